//! What a refusal by AWS means and what to do about it, by its code. Pure.

use super::{Call, Caller, Fault, address};

/// What to look at when the keys are wrong.
pub(super) const BOTH_KEYS: &str = "put `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` into the Secret of `aws.credentialsSecretRef`";

/// An answer that says no.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal<'a> {
    /// AWS's own; an answer to a HEAD has no body, and so none.
    pub(super) code: Option<&'a str>,
    /// Of HTTP.
    pub(super) status: u16,
    /// Where S3 says that the bucket is.
    pub(super) region: Option<&'a str>,
}

impl Refusal<'_> {
    /// The code as the reason, the cause and the next step as the message.
    pub(super) fn fault(self, call: Call<'_>) -> Fault {
        // Some services prefix their codes: `AWS.SimpleQueueService.NonExistentQueue`, `com.amazonaws.sqs#..`.
        let whole = self.code.unwrap_or_default();
        let code = whole.rsplit(['.', '#']).next().unwrap_or_default();
        if whole.contains("KMS.") || code.starts_with("Kms") {
            return encryption(whole, call);
        }
        identity(code, call)
            .or_else(|| place(code, self, call))
            .or_else(|| load(code, self.status, call))
            .unwrap_or_else(|| permission(code, self.status, call))
    }
}

/// Codes that are about who asks, not about what is asked.
fn identity(code: &str, call: Call<'_>) -> Option<Fault> {
    let cause = match code {
        "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "AuthFailure" => "AWS does not know the access key",
        "SignatureDoesNotMatch" | "InvalidSignatureException" => {
            "the secret key does not belong to the access key"
        }
        "InvalidToken" => "the session token does not belong to the access key",
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => {
            "the session token has expired"
        }
        "RequestTimeTooSkewed" | "RequestExpired" => {
            let message = format!("{}: the clock of the node is wrong: set it", call.action);
            return Some(Fault::new(code, message));
        }
        _ => return None,
    };
    let next_step = mend_keys(code, call);
    Some(Fault::new(
        code,
        format!("{}: {cause}: {next_step}", call.action),
    ))
}

fn mend_keys(code: &str, call: Call<'_>) -> String {
    match (call.caller, code) {
        (Caller::Role(role), _) => format!(
            "the keys are those that AWS gave for role {role}: see whether the role still exists and the account has region {} enabled",
            call.region
        ),
        (Caller::Machine, _) => "correct the AWS credentials of this machine".into(),
        (Caller::Keys, "SignatureDoesNotMatch" | "InvalidSignatureException") => {
            "correct `AWS_SECRET_ACCESS_KEY` in the Secret of `aws.credentialsSecretRef`".into()
        }
        (Caller::Keys, "InvalidToken") => {
            "correct `AWS_SESSION_TOKEN` in the Secret of `aws.credentialsSecretRef`, or delete it there if the keys are a user's own".into()
        }
        (Caller::Keys, "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired") => {
            "put a new `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN` into the Secret of `aws.credentialsSecretRef`".into()
        }
        (Caller::Keys, _) => {
            "correct `AWS_ACCESS_KEY_ID` in the Secret of `aws.credentialsSecretRef`; one that begins with ASIA needs its `AWS_SESSION_TOKEN` there too".into()
        }
    }
}

/// The name or the region is wrong.
fn place(code: &str, refusal: Refusal<'_>, call: Call<'_>) -> Option<Fault> {
    let Call {
        kind, name, region, ..
    } = call;
    let setting = setting(kind);
    match (code, refusal.status) {
        ("NonExistentQueue" | "QueueDoesNotExist" | "NoSuchBucket", _) => Some(Fault::new(
            code,
            format!(
                "there is no {kind} {name} in region {region}: create it, or correct `{setting}` or `aws.region`"
            ),
        )),
        ("NotFound" | "", 404) if call.action == "s3:ListBucket" => {
            place("NoSuchBucket", refusal, call)
        }
        (
            "PermanentRedirect"
            | "TemporaryRedirect"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException",
            _,
        )
        | ("", 301 | 307) => Some(elsewhere(code, refusal, call)),
        // The body of such an answer to a HEAD would say `AuthorizationHeaderMalformed`.
        ("", 400) if refusal.region.is_some_and(|told| told != region) => {
            Some(elsewhere("AuthorizationHeaderMalformed", refusal, call))
        }
        _ => None,
    }
}

fn elsewhere(code: &str, refusal: Refusal<'_>, call: Call<'_>) -> Fault {
    let Call {
        kind, name, region, ..
    } = call;
    let is_plain = |told: &&str| {
        told.len() < 32 && told.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
    };
    let next_step = match refusal.region.filter(is_plain) {
        Some(told) if told != region => format!("set `aws.region` to {told}"),
        _ => format!(
            "set `aws.region` to the {kind}'s region, or correct `{}`",
            setting(kind)
        ),
    };
    let reason = if code.is_empty() {
        "PermanentRedirect"
    } else {
        code
    };
    Fault::new(
        reason,
        format!("{kind} {name} is not in region {region}: {next_step}"),
    )
}

/// The service has enough to do, or is broken.
fn load(code: &str, status: u16, call: Call<'_>) -> Option<Fault> {
    let Call {
        action, kind, name, ..
    } = call;
    match (code, status) {
        (
            "Throttling"
            | "ThrottlingException"
            | "RequestThrottled"
            | "SlowDown"
            | "TooManyRequestsException",
            _,
        )
        | (_, 429) => Some(Fault::new(
            "Throttled",
            format!("{action}: AWS asks to slow down on {kind} {name}"),
        )),
        (_, 500..) => Some(Fault::new(
            "ServiceError",
            format!("{action}: {} answered with status {status}", address(call)),
        )),
        _ => None,
    }
}

/// We are known and may not do this; or it is none of the codes we know.
fn permission(code: &str, status: u16, call: Call<'_>) -> Fault {
    let Call {
        action, kind, name, ..
    } = call;
    let is_denial = code.is_empty() && matches!(status, 401 | 403)
        || code.starts_with("AccessDenied")
        || code == "AllAccessDisabled";
    let (reason, message) = if is_denial {
        let reason = if code.is_empty() {
            "AccessDenied"
        } else {
            code
        };
        let allow = allow(call.caller);
        let message = format!("{action} denied on {kind} {name}: {allow}");
        (reason.to_owned(), message)
    } else {
        let message =
            format!("{action} on {kind} {name} was refused with status {status} and code {code:?}");
        (reason_from(code), message)
    };
    Fault::new(reason, message).of_one_action()
}

/// The queue or the bucket is encrypted with a key that we may not use.
fn encryption(code: &str, call: Call<'_>) -> Fault {
    let Call {
        action, kind, name, ..
    } = call;
    let allow = allow(call.caller);
    let message = format!(
        "{action}: {kind} {name} is encrypted with a KMS key that may not be used: kms:Decrypt and kms:GenerateDataKey on it: {allow}"
    );
    Fault::new(reason_from(code), message).of_one_action()
}

fn allow(caller: Caller<'_>) -> String {
    match caller {
        Caller::Role(role) => format!("add it to the policy of role {role}"),
        Caller::Keys => {
            "add it to the policy of the IAM user whose keys are in the Secret of `aws.credentialsSecretRef`".into()
        }
        Caller::Machine => "add it to the policy of this machine's role".into(),
    }
}

fn setting(kind: &str) -> &'static str {
    match kind {
        "queue" => "queue.name",
        "bucket" => "storage.bucket",
        _ => "aws.roleArn",
    }
}

/// A code as a condition's reason: letters and digits only.
fn reason_from(code: &str) -> String {
    let word: String = code
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(64)
        .collect();
    if word.starts_with(|first: char| first.is_ascii_alphabetic()) {
        word
    } else {
        "Refused".into()
    }
}

#[cfg(test)]
#[path = "refusal_tests.rs"]
mod tests;
