//! The last outcome of each action, where it is a failure. Pure: the time is passed in.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::Fault;

/// A refusal that nobody has met again for so long is forgotten: its action may have no more use, and whoever needs
/// it tries more often than that.
const FORGOTTEN: Duration = Duration::from_secs(60);

/// Actions that fail, by name.
#[derive(Debug, Default)]
pub(super) struct Outcomes(BTreeMap<String, Failure>);

#[derive(Debug)]
struct Failure {
    fault: Fault,
    at: Instant,
}

impl Outcomes {
    /// The action works, and the service is there: what failed because it was not is over.
    pub(super) fn succeeded(&mut self, action: &str, now: Instant) {
        self.0.retain(|failed, failure| {
            let is_recent = now.saturating_duration_since(failure.at) < FORGOTTEN;
            failed != action && failure.fault.is_of_one_action && is_recent
        });
    }

    /// Returns whether that is news.
    pub(super) fn failed(&mut self, action: &str, fault: &Fault, now: Instant) -> bool {
        let is_known = self.0.iter().any(|(failed, known)| {
            known.fault.reason == fault.reason && (failed == action || !fault.is_of_one_action)
        });
        let fault = fault.clone();
        self.0.insert(action.to_owned(), Failure { fault, at: now });
        !is_known
    }

    /// Reason and message: of the last failure that stops every action, else of all actions that are refused.
    pub(super) fn told(&self) -> Option<(String, String)> {
        let all = || self.0.values();
        let whole = all().filter(|failure| !failure.fault.is_of_one_action);
        if let Some(Failure { fault, .. }) = whole.max_by_key(|failure| failure.at) {
            return Some((fault.reason.clone(), fault.message.clone()));
        }
        let reason = all().next()?.fault.reason.clone();
        let messages: Vec<&str> = all().map(|failure| &*failure.fault.message).collect();
        Some((reason, messages.join("; ")))
    }

    pub(super) fn refused_actions(&self) -> Vec<String> {
        let refused = self.0.iter().filter(|(_, it)| it.fault.is_of_one_action);
        refused.map(|(action, _)| action.clone()).collect()
    }

    /// When the failing action that was left alone longest was last tried.
    pub(super) fn longest_untried(&self) -> Option<Instant> {
        self.0.values().map(|failure| failure.at).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEND: &str = "sqs:SendMessage";
    const RECEIVE: &str = "sqs:ReceiveMessage";

    fn denied(action: &str) -> Fault {
        Fault::new("AccessDenied", format!("{action} denied")).of_one_action()
    }

    fn message(outcomes: &Outcomes) -> Option<String> {
        outcomes.told().map(|(_, message)| message)
    }

    #[test]
    fn a_denied_action_is_not_hidden_by_others_that_work() {
        let (mut outcomes, now) = (Outcomes::default(), Instant::now());
        outcomes.failed(SEND, &denied(SEND), now);
        outcomes.succeeded(RECEIVE, now);
        assert_eq!(
            message(&outcomes).as_deref(),
            Some("sqs:SendMessage denied")
        );
        assert_eq!(outcomes.refused_actions(), [SEND]);
        outcomes.succeeded(SEND, now);
        assert_eq!(outcomes.told(), None);
    }

    #[test]
    fn all_denied_actions_are_named_at_once() {
        let (mut outcomes, now) = (Outcomes::default(), Instant::now());
        outcomes.failed(SEND, &denied(SEND), now);
        outcomes.failed(RECEIVE, &denied(RECEIVE), now);
        let both = "sqs:ReceiveMessage denied; sqs:SendMessage denied";
        assert_eq!(message(&outcomes).as_deref(), Some(both));
    }

    #[test]
    fn any_success_ends_what_kept_every_action_from_working() {
        let (mut outcomes, now) = (Outcomes::default(), Instant::now());
        outcomes.failed(SEND, &Fault::new("Timeout", "no answer"), now);
        outcomes.succeeded(RECEIVE, now);
        assert_eq!(outcomes.told(), None);
    }

    #[test]
    fn an_outage_is_told_before_refusals_and_with_its_last_words() {
        let (mut outcomes, now) = (Outcomes::default(), Instant::now());
        let later = now + Duration::from_secs(1);
        outcomes.failed(RECEIVE, &Fault::new("Unreachable", "nobody there"), now);
        outcomes.failed("sqs:DeleteMessage", &denied("any"), now);
        outcomes.failed(SEND, &Fault::new("Timeout", "no answer"), later);
        assert_eq!(message(&outcomes).as_deref(), Some("no answer"));
    }

    #[test]
    fn a_refusal_that_nobody_meets_again_is_forgotten_while_others_work() {
        let (mut outcomes, now) = (Outcomes::default(), Instant::now());
        outcomes.failed(SEND, &denied(SEND), now);
        outcomes.succeeded(RECEIVE, now + FORGOTTEN / 2);
        assert!(outcomes.told().is_some());
        outcomes.succeeded(RECEIVE, now + FORGOTTEN);
        assert_eq!(outcomes.told(), None);
    }

    #[test]
    fn an_outage_is_news_once_and_each_denied_action_is() {
        let (mut outcomes, now) = (Outcomes::default(), Instant::now());
        let outage = Fault::new("Unreachable", "nobody there");
        assert!(outcomes.failed(SEND, &outage, now));
        assert!(!outcomes.failed(RECEIVE, &outage, now));
        assert!(outcomes.failed(SEND, &denied(SEND), now));
        assert!(outcomes.failed(RECEIVE, &denied(RECEIVE), now));
        assert!(!outcomes.failed(RECEIVE, &denied(RECEIVE), now));
    }
}
