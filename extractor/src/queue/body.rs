//! What a message says.

use serde::{Deserialize, Serialize};

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Body {
    v: u32,
    job_id: String,
}

/// The text of the message for a job.
pub(super) fn encode(job_id: &str) -> String {
    serde_json::json!({"v": VERSION, "job_id": job_id}).to_string()
}

/// The job's id, or `None` for a text that is not one of ours.
pub(super) fn decode(text: &str) -> Option<String> {
    let body: Body = serde_json::from_str(text).ok()?;
    let is_id = uuid::Uuid::try_parse(&body.job_id).is_ok();
    (body.v == VERSION && is_id).then_some(body.job_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "019a0000-0000-7000-8000-000000000001";

    #[test]
    fn a_body_round_trips_and_unknown_members_are_ignored() {
        assert_eq!(decode(&encode(ID)).as_deref(), Some(ID));
        assert!(decode(&format!(r#"{{"v":1,"job_id":"{ID}","later":true}}"#)).is_some());
    }

    #[test]
    fn anything_else_is_not_ours() {
        for text in [
            "",
            "{}",
            "hello",
            r#"{"v":1}"#,
            r#"{"v":1,"job_id":"../../etc"}"#,
        ] {
            assert_eq!(decode(text), None, "{text}");
        }
        assert_eq!(decode(&format!(r#"{{"v":2,"job_id":"{ID}"}}"#)), None);
    }
}
