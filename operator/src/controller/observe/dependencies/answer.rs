//! What pods say of their dependencies, and how several answers become one.

use serde::Deserialize;

/// The answer of `GET /dependencies`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Dependencies {
    /// The queue.
    pub queue: Dependency,
    /// The bucket or folder.
    pub storage: Dependency,
    /// The database.
    pub database: Dependency,
}

/// One dependency. Since when is left out: it would differ from pod to pod.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Dependency {
    /// Outcome of the last call; `None` before the first.
    pub reachable: Option<bool>,
    /// Short cause, such as `AccessDenied`.
    pub reason: Option<String>,
    /// Cause and next step in words.
    pub message: Option<String>,
}

impl Dependencies {
    pub(super) fn is_complete(&self) -> bool {
        [&self.queue, &self.storage, &self.database]
            .iter()
            .all(|one| one.reachable.is_some())
    }

    /// A dependency that one pod cannot reach counts as unreachable.
    pub(super) fn worst(self, other: Self) -> Self {
        Self {
            queue: self.queue.worst(other.queue),
            storage: self.storage.worst(other.storage),
            database: self.database.worst(other.database),
        }
    }
}

impl Dependency {
    fn worst(self, other: Self) -> Self {
        match (self.reachable, other.reachable) {
            (Some(false), _) => self,
            (_, Some(false)) | (None, Some(true)) => other,
            _ => self,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn queue(reachable: Option<bool>, reason: &str) -> Dependencies {
        let queue = Dependency {
            reachable,
            reason: Some(reason.to_owned()),
            message: None,
        };
        Dependencies {
            queue,
            ..Dependencies::default()
        }
    }

    #[test]
    fn one_pod_that_cannot_reach_the_queue_is_enough() {
        let bad = queue(Some(false), "AccessDenied");
        let good = queue(Some(true), "Reachable");
        assert_eq!(good.clone().worst(bad.clone()), bad);
        assert_eq!(bad.clone().worst(good.clone()), bad);
        assert_eq!(queue(None, "").worst(good.clone()), good);
    }

    #[test]
    fn the_answer_of_a_pod_is_read_and_other_members_are_ignored() {
        let body = r#"{"queue":{"reachable":true,"since_unix_ms":1},"storage":{"reachable":null},"database":{"reachable":false,"reason":"Refused","message":"m"}}"#;
        let read: Dependencies = serde_json::from_str(body).unwrap();
        assert_eq!(read.queue.reachable, Some(true));
        assert_eq!(read.storage.reachable, None);
        assert_eq!(read.database.reason.as_deref(), Some("Refused"));
    }
}
