//! Who may read which metric: asked of the API server, and remembered for ten seconds.

use std::time::Instant;

use axum::http::StatusCode;
use k8s_openapi::api::authentication::v1::UserInfo;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::Client;
use sha2::{Digest, Sha256};

use crate::REVIEW_LIFE;
use crate::authenticate::{create, unavailable};
use crate::cache::Cache;
use crate::discovery::{GROUP, VERSION};
use crate::status::Failure;

/// Answers that are kept.
const CAPACITY: usize = 8192;
/// A read of a metric is a list of its values to Kubernetes.
const VERB: &str = "list";

pub(crate) struct Authorizer {
    client: Client,
    /// By hash of the question; the value is whether it is allowed.
    known: Cache<[u8; 32], bool>,
}

impl Authorizer {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            client,
            known: Cache::new(REVIEW_LIFE, CAPACITY),
        }
    }

    /// Whether `user` may read `metric` in `namespace`.
    ///
    /// # Errors
    /// No (403), or the API server did not say (503).
    pub(crate) async fn may_read(
        &self,
        user: UserInfo,
        namespace: &str,
        metric: &str,
    ) -> Result<(), Failure> {
        let name = user.username.clone().unwrap_or_default();
        let spec = question(user, namespace, metric);
        let key = hash(&spec);
        let allowed = match self.known.get(&key, Instant::now()) {
            Some(allowed) => allowed,
            None => {
                let allowed = self.ask(spec).await?;
                self.known.put(key, allowed, Instant::now());
                allowed
            }
        };
        match allowed {
            true => Ok(()),
            false => Err(Failure::new(
                StatusCode::FORBIDDEN,
                format!(
                    "{metric}.{GROUP} is forbidden: User {name:?} cannot {VERB} resource {metric:?} in API group \
                     {GROUP:?} in the namespace {namespace:?}"
                ),
            )),
        }
    }

    async fn ask(&self, spec: SubjectAccessReviewSpec) -> Result<bool, Failure> {
        let review = SubjectAccessReview {
            spec,
            ..SubjectAccessReview::default()
        };
        let answer = create(&self.client, &review)
            .await
            .map_err(|error| unavailable("SubjectAccessReview", &error))?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }
}

fn question(user: UserInfo, namespace: &str, metric: &str) -> SubjectAccessReviewSpec {
    let UserInfo {
        extra,
        groups,
        uid,
        username,
    } = user;
    SubjectAccessReviewSpec {
        extra,
        groups,
        uid,
        user: username,
        resource_attributes: Some(ResourceAttributes {
            group: Some(GROUP.to_owned()),
            version: Some(VERSION.to_owned()),
            resource: Some(metric.to_owned()),
            namespace: Some(namespace.to_owned()),
            verb: Some(VERB.to_owned()),
            ..ResourceAttributes::default()
        }),
        non_resource_attributes: None,
    }
}

/// JSON keeps apart what concatenation would not.
fn hash(spec: &SubjectAccessReviewSpec) -> [u8; 32] {
    let text = serde_json::to_vec(spec).expect("a question has only text, lists and maps of text");
    Sha256::digest(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, groups: &[&str]) -> UserInfo {
        UserInfo {
            username: Some(name.to_owned()),
            groups: Some(groups.iter().map(|group| (*group).to_owned()).collect()),
            ..UserInfo::default()
        }
    }

    #[test]
    fn the_question_is_what_the_api_server_asks_itself_for_the_same_path() {
        let spec = question(user("hpa", &["a", "b"]), "finance", "depth");
        let expected = serde_json::json!({
            "user": "hpa",
            "groups": ["a", "b"],
            "resourceAttributes": {
                "group": "external.metrics.k8s.io", "version": "v1beta1", "resource": "depth",
                "namespace": "finance", "verb": "list",
            },
        });
        assert_eq!(serde_json::to_value(spec).unwrap(), expected);
    }

    #[test]
    fn questions_that_differ_in_anything_are_remembered_apart() {
        let asked = hash(&question(user("a", &["b"]), "n", "m"));
        assert_eq!(asked, hash(&question(user("a", &["b"]), "n", "m")));
        for other in [
            question(user("a", &[]), "n", "m"),
            question(user("ab", &[]), "n", "m"),
            question(user("a", &["b"]), "m", "n"),
            question(user("a", &["b"]), "n", "m2"),
        ] {
            assert_ne!(asked, hash(&other));
        }
    }
}
