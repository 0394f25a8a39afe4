//! Needs helm only: what the chart renders, and what it refuses.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use extraction_operator::check::permissions::NEEDED;
use extraction_tests::program::{refusal, run};
use serde::Deserialize;
use serde_json::Value;

async fn render(settings: &[&str]) -> Result<Vec<Value>> {
    let mut arguments = vec![
        "template",
        "extraction-operator",
        "charts/extraction-operator",
        "--namespace",
        "extraction-system",
        "--kube-version",
        "1.33.0",
    ];
    for setting in settings {
        arguments.extend(["--set", *setting]);
    }
    let text = run("helm", &arguments).await?;
    let documents = serde_yaml::Deserializer::from_str(&text)
        .map(|document| Ok(Value::deserialize(document)?))
        .collect::<Result<Vec<_>>>()?;
    Ok(documents.into_iter().filter(Value::is_object).collect())
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects
        .iter()
        .filter(|object| object["kind"] == kind)
        .collect()
}

fn strings(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

#[tokio::test]
async fn no_role_has_a_wildcard_or_lists_secrets() -> Result<()> {
    for settings in [&[][..], &["watchNamespaces={finance,staging}"]] {
        let objects = render(settings).await?;
        for role in [of_kind(&objects, "ClusterRole"), of_kind(&objects, "Role")].concat() {
            let rules = role["rules"].as_array().context("a role without rules")?;
            for rule in rules {
                let all = ["apiGroups", "resources", "verbs"].map(|key| strings(&rule[key]));
                assert!(
                    !all.concat().contains(&"*"),
                    "{}: {rule}",
                    role["metadata"]["name"]
                );
                if all[1].contains(&"secrets") {
                    assert!(
                        !all[2]
                            .iter()
                            .any(|verb| ["list", "watch", "delete"].contains(verb)),
                        "{rule}"
                    );
                }
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_role_gives_what_the_operator_needs_and_nothing_else() -> Result<()> {
    let needed: BTreeSet<String> = NEEDED
        .iter()
        .flat_map(|needed| {
            needed
                .verbs
                .iter()
                .map(|verb| format!("{verb} {} {}", needed.group, needed.resource))
        })
        .collect();
    for settings in [&[][..], &["watchNamespaces={finance}"]] {
        let objects = render(settings).await?;
        let roles = [of_kind(&objects, "ClusterRole"), of_kind(&objects, "Role")].concat();
        let role = roles
            .iter()
            .find(|role| role["metadata"]["name"] == "extraction-operator")
            .context("no role")?;
        let mut given = BTreeSet::new();
        for rule in role["rules"].as_array().context("a role without rules")? {
            assert_eq!(rule["resourceNames"], Value::Null);
            for group in strings(&rule["apiGroups"]) {
                for resource in strings(&rule["resources"]) {
                    given.extend(
                        strings(&rule["verbs"])
                            .iter()
                            .map(|verb| format!("{verb} {group} {resource}")),
                    );
                }
            }
        }
        assert_eq!(given, needed);
    }
    Ok(())
}

#[tokio::test]
async fn an_operator_of_named_namespaces_has_no_right_elsewhere() -> Result<()> {
    let objects = render(&["watchNamespaces={finance,staging}", "rbac.aggregate=false"]).await?;
    assert!(of_kind(&objects, "ClusterRole").is_empty());
    assert!(of_kind(&objects, "ClusterRoleBinding").is_empty());
    let mut namespaces: Vec<_> = of_kind(&objects, "RoleBinding")
        .iter()
        .map(|binding| binding["metadata"]["namespace"].clone())
        .collect();
    namespaces.sort_by_key(ToString::to_string);
    assert_eq!(namespaces, ["extraction-system", "finance", "staging"]);
    Ok(())
}

#[tokio::test]
async fn a_wrong_or_unknown_value_is_refused_by_name() -> Result<()> {
    for (setting, word) in [
        ("replicas=many", "replicas"),
        ("replicaCount=3", "replicaCount"),
        ("image.tag=latest", "must not be 'latest'"),
        ("resources.limits.memory=12zz", "memory"),
        ("image.digest=sha256:12", "digest"),
        ("watchNamespaces=finance", "watchNamespaces"),
        ("crds.kept=true", "kept"),
    ] {
        let words = refusal(
            "helm",
            &[
                "template",
                "x",
                "charts/extraction-operator",
                "--set",
                setting,
            ],
            None,
        )
        .await?;
        assert!(words.contains(word), "{setting}: {words}");
    }
    Ok(())
}

#[tokio::test]
async fn the_definition_is_kept_on_uninstall_unless_told_otherwise() -> Result<()> {
    let policy = |objects: &[Value]| {
        of_kind(objects, "CustomResourceDefinition")[0]["metadata"]["annotations"]["helm.sh/resource-policy"].clone()
    };
    assert_eq!(policy(&render(&[]).await?), "keep");
    assert_eq!(policy(&render(&["crds.keep=false"]).await?), Value::Null);
    assert!(
        of_kind(
            &render(&["crds.enabled=false"]).await?,
            "CustomResourceDefinition"
        )
        .is_empty()
    );
    Ok(())
}

#[tokio::test]
async fn a_digest_wins_over_the_tag() -> Result<()> {
    let digest = format!("sha256:{}", "0a".repeat(32));
    let setting = format!("image.digest={digest}");
    let objects = render(&[&setting, "image.repository=registry.example:5000/operator"]).await?;
    let deployment = of_kind(&objects, "Deployment")[0];
    let image = &deployment["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(*image, format!("registry.example:5000/operator@{digest}"));
    Ok(())
}

#[tokio::test]
async fn every_pod_meets_the_restricted_standard() -> Result<()> {
    let objects = render(&[]).await?;
    let owners = [of_kind(&objects, "Deployment"), of_kind(&objects, "Job")].concat();
    assert_eq!(owners.len(), 2);
    for owner in owners {
        let pod = &owner["spec"]["template"]["spec"];
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(
            pod["securityContext"]["seccompProfile"]["type"],
            "RuntimeDefault"
        );
        for container in pod["containers"].as_array().context("no containers")? {
            let security = &container["securityContext"];
            assert_eq!(security["allowPrivilegeEscalation"], false);
            assert_eq!(security["readOnlyRootFilesystem"], true);
            assert_eq!(strings(&security["capabilities"]["drop"]), ["ALL"]);
            assert!(container["resources"]["limits"]["memory"].is_string());
        }
    }
    Ok(())
}
