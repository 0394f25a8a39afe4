//! AWS errors in words: what was asked, what to mend.

use std::error::Error;

use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};

use super::{Dependency, Fault};
use crate::config::SecretError;

/// What was asked of AWS, for messages.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The IAM action, e.g. `sqs:SendMessage`.
    pub action: &'a str,
    /// `queue` or `bucket`.
    pub kind: &'a str,
    /// The queue's or bucket's name.
    pub name: &'a str,
    /// As configured.
    pub region: &'a str,
    /// As configured, where it is not AWS itself.
    pub endpoint: Option<&'a str>,
}

/// Puts an SDK error into a reason and a sentence with the next step.
pub fn fault<E>(error: &SdkError<E, HttpResponse>, call: Call<'_>) -> Fault
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let (action, at) = (call.action, address(call));
    match error {
        SdkError::TimeoutError(_) => {
            Fault::new("Timeout", format!("{action}: no answer from {at} in time"))
        }
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            Fault::new("Timeout", format!("{action}: no answer from {at} in time"))
        }
        SdkError::DispatchFailure(failure) if failure.is_io() => {
            Fault::new("Unreachable", format!("{action}: cannot connect to {at}"))
        }
        SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => credentials(error, call),
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            service(answer.err().meta().code(), status, call)
        }
        _ => Fault::new(
            "InvalidResponse",
            format!("{action}: {at} sent an answer that is not {}'s", call.kind),
        ),
    }
}

/// Tells the tracker how a call went. `Err(None)` stands for an error code that is a good answer, as of a missing
/// object.
pub fn told<T, E>(
    health: &Dependency,
    call: Call<'_>,
    answer: Result<T, SdkError<E, HttpResponse>>,
    is_good_answer: impl Fn(&str) -> bool,
) -> Result<T, Option<Fault>>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let error = match answer {
        Ok(answer) => {
            health.succeeded(call.action);
            return Ok(answer);
        }
        Err(error) => error,
    };
    if error.code().is_some_and(is_good_answer) {
        health.succeeded(call.action);
        return Err(None);
    }
    let fault = fault(&error, call);
    health.failed(call.action, &fault);
    Err(Some(fault))
}

fn address(call: Call<'_>) -> String {
    match call.endpoint {
        Some(endpoint) => endpoint.to_owned(),
        None => format!("AWS in region {}", call.region),
    }
}

fn service(code: Option<&str>, status: u16, call: Call<'_>) -> Fault {
    let Call {
        action,
        kind,
        name,
        region,
        ..
    } = call;
    // Some services prefix their codes: `AWS.SimpleQueueService.NonExistentQueue`, `com.amazonaws.sqs#..`.
    let code = code
        .and_then(|code| code.rsplit(['.', '#']).next())
        .unwrap_or_default();
    if let Some(fault) = identity(code, action) {
        return fault;
    }
    match (code, status) {
        ("NonExistentQueue" | "QueueDoesNotExist" | "NoSuchBucket", _) => Fault::new(
            code,
            format!("there is no {kind} {name} in region {region}: create it, or correct its name"),
        ),
        // A HEAD of a bucket has no body, and so no code.
        ("NotFound" | "", 404) if action == "s3:ListBucket" => {
            service(Some("NoSuchBucket"), 404, call)
        }
        (
            "PermanentRedirect"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException",
            _,
        )
        | (_, 301 | 307) => Fault::new(
            if code.is_empty() {
                "PermanentRedirect"
            } else {
                code
            },
            format!("{kind} {name} is not in region {region}: correct the region"),
        ),
        (_, 401 | 403) | ("AccessDenied" | "AccessDeniedException" | "AccessDeniedFault", _) => {
            Fault::new(
                "AccessDenied",
                format!("{action} denied on {kind} {name}: add it to the role's policy"),
            )
            .of_one_action()
        }
        (
            "Throttling"
            | "ThrottlingException"
            | "RequestThrottled"
            | "SlowDown"
            | "TooManyRequestsException",
            _,
        )
        | (_, 429) => Fault::new(
            "Throttled",
            format!("{action}: AWS asks to slow down on {kind} {name}"),
        ),
        (_, 500..) => Fault::new(
            "ServiceError",
            format!("{action}: {} answered with status {status}", address(call)),
        ),
        (code, _) => Fault::new(
            reason_from(code),
            format!("{action} on {kind} {name} was refused with status {status} and code {code:?}"),
        )
        .of_one_action(),
    }
}

/// Codes that are about who asks, not about what is asked.
fn identity(code: &str, action: &str) -> Option<Fault> {
    let next_step = match code {
        "InvalidClientTokenId" | "UnrecognizedClientException" | "InvalidAccessKeyId" => {
            "AWS does not know the access key: correct AWS_ACCESS_KEY_ID in the credentials"
        }
        "SignatureDoesNotMatch" | "InvalidSignatureException" => {
            "the secret key does not belong to the access key: correct AWS_SECRET_ACCESS_KEY in the credentials"
        }
        "ExpiredToken" | "ExpiredTokenException" => "the credentials have expired: renew them",
        _ => return None,
    };
    Some(Fault::new(code, format!("{action}: {next_step}")))
}

/// The SDK hides failures to get credentials in several places of the chain of causes.
fn credentials<E>(error: &SdkError<E, HttpResponse>, call: Call<'_>) -> Fault
where
    E: Error + 'static,
{
    let mut told = String::new();
    let mut next: Option<&(dyn Error + 'static)> = error.source();
    while let Some(cause) = next {
        if let Some(missing) = cause.downcast_ref::<SecretError>() {
            return Fault::new("NoCredentials", format!("{}: {missing}", call.action));
        }
        if let Some(fault) = cause.downcast_ref::<Fault>() {
            return fault.clone();
        }
        told += &format!("{cause} {cause:?} ");
        next = cause.source();
    }
    let has = |word: &str| told.contains(word);
    if has("Credentials") || has("credentials") {
        Fault::new(
            "NoCredentials",
            format!(
                "{}: no usable AWS credentials: set roleArn or credentialsSecretRef",
                call.action
            ),
        )
    } else {
        Fault::new(
            "Unreachable",
            format!(
                "{}: cannot send the request to {}",
                call.action,
                address(call)
            ),
        )
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
mod tests {
    use super::*;

    const CALL: Call<'_> = Call {
        action: "sqs:SendMessage",
        kind: "queue",
        name: "invoices",
        region: "eu-west-1",
        endpoint: None,
    };

    #[test]
    fn each_aws_code_says_what_to_mend() {
        let table = [
            (
                Some("AccessDenied"),
                403,
                "AccessDenied",
                "sqs:SendMessage denied on queue invoices",
            ),
            (None, 403, "AccessDenied", "add it to the role's policy"),
            (
                Some("AWS.SimpleQueueService.NonExistentQueue"),
                400,
                "NonExistentQueue",
                "no queue invoices in region eu-west-1",
            ),
            (
                Some("com.amazonaws.sqs#QueueDoesNotExist"),
                400,
                "QueueDoesNotExist",
                "create it",
            ),
            (
                Some("InvalidClientTokenId"),
                403,
                "InvalidClientTokenId",
                "AWS_ACCESS_KEY_ID",
            ),
            (
                Some("SignatureDoesNotMatch"),
                403,
                "SignatureDoesNotMatch",
                "AWS_SECRET_ACCESS_KEY",
            ),
            (Some("ExpiredToken"), 400, "ExpiredToken", "renew"),
            (
                Some("PermanentRedirect"),
                301,
                "PermanentRedirect",
                "correct the region",
            ),
            (None, 301, "PermanentRedirect", "correct the region"),
            (Some("SlowDown"), 503, "Throttled", "slow down"),
            (None, 500, "ServiceError", "status 500"),
            (Some("Odd-Code"), 400, "OddCode", "Odd-Code"),
            (Some("1"), 400, "Refused", "status 400"),
        ];
        for (code, status, reason, words) in table {
            let fault = service(code, status, CALL);
            assert_eq!(fault.reason, reason, "{code:?}");
            assert!(fault.message.contains(words), "{code:?}: {}", fault.message);
        }
    }

    #[test]
    fn a_bucket_that_is_not_there_is_named() {
        let call = Call {
            action: "s3:ListBucket",
            kind: "bucket",
            name: "acme",
            ..CALL
        };
        let fault = service(None, 404, call);
        assert_eq!(fault.reason, "NoSuchBucket");
        assert!(fault.message.contains("bucket acme"));
    }
}
