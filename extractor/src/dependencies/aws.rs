//! AWS errors in words: what was asked, what to mend.

mod refusal;

use std::error::Error;

use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};

use super::{Dependency, Fault};
use crate::config::SecretError;
use refusal::Refusal;

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
    /// Who asks.
    pub caller: Caller<'a>,
}

/// Who we are to AWS, for messages.
#[derive(Clone, Copy, Debug)]
pub enum Caller<'a> {
    /// A role with this ARN, assumed with the pod's token.
    Role(&'a str),
    /// The user whose keys are mounted.
    Keys,
    /// Whatever the SDK finds on this machine.
    Machine,
}

/// Puts an SDK error into a reason and a sentence with the next step.
pub fn fault<E>(error: &SdkError<E, HttpResponse>, call: Call<'_>) -> Fault
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let (action, at) = (call.action, address(call));
    match error {
        SdkError::TimeoutError(_) => slow(call),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => slow(call),
        SdkError::DispatchFailure(failure) if failure.is_io() => Fault::new(
            "Unreachable",
            format!("{action}: cannot connect to {at}: {}", way(call)),
        ),
        SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => credentials(error, call),
        SdkError::ServiceError(answer) => {
            let headers = answer.raw().headers();
            Refusal {
                code: answer.err().meta().code(),
                status: answer.raw().status().as_u16(),
                region: headers.get("x-amz-bucket-region"),
            }
            .fault(call)
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

fn slow(call: Call<'_>) -> Fault {
    let message = format!(
        "{}: no answer from {} in time: {}",
        call.action,
        address(call),
        way(call)
    );
    Fault::new("Timeout", message)
}

/// What to look at when requests do not get there.
fn way(call: Call<'_>) -> &'static str {
    match call.endpoint {
        Some(_) => "check `aws.endpointUrl`, and that the service there runs",
        None => "check `aws.region`, and that pods are let out to AWS",
    }
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
            return Fault::new("NoCredentials", no_credentials(missing, call));
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
                "{}: no usable AWS credentials: set `aws.roleArn` or `aws.credentialsSecretRef`",
                call.action
            ),
        )
    } else {
        Fault::new(
            "Unreachable",
            format!(
                "{}: cannot send the request to {}: {}",
                call.action,
                address(call),
                way(call)
            ),
        )
    }
}

fn no_credentials(missing: &SecretError, call: Call<'_>) -> String {
    let next_step = match call.caller {
        Caller::Role(_) => "Kubernetes mounts this token, so look at the events of the pod",
        Caller::Keys | Caller::Machine => refusal::BOTH_KEYS,
    };
    format!("{}: {missing}: {next_step}", call.action)
}
