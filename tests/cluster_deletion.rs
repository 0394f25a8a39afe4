//! What is deleted goes with everything that was made for it. (Early in the order: most of its time is waiting.)

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use extraction_tests::sample::{self, Sample};
use extraction_tests::{children, cluster, figures, pipeline, release, wait};
use k8s_openapi::api::core::v1::{Namespace, Pod, Secret};
use kube::api::{Api, DeleteParams, ListParams};

const START: Duration = Duration::from_secs(120);
/// Idle pods are asked to end and given this long to do so.
const END: Duration = Duration::from_secs(90);
/// Kubernetes looks at a namespace again only after half of the longest grace period that it saw there.
const GONE: Duration = Duration::from_secs(240);

#[tokio::test]
async fn a_deleted_pipeline_takes_all_its_children_along_and_a_namespace_does_not_hang()
-> Result<()> {
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let client = cluster::client().await?;
    let sample = Sample::prepare(&client, "delete").await?;
    let name = sample.namespace.name.as_str();
    pipeline::apply(&client, name, sample::NAME, &sample.spec()?).await?;
    pipeline::apply(&client, name, "one-pod", &sample::one_pod()).await?;
    for pipeline in [sample::NAME, "one-pod"] {
        pipeline::until_condition(&client, name, pipeline, "Ready", "True", START).await?;
    }

    let begun = Instant::now();
    pipeline::pipelines(&client, name)
        .delete(sample::NAME, &DeleteParams::default())
        .await?;
    let ours =
        ListParams::default().labels(&format!("app.kubernetes.io/instance={}", sample::NAME));
    wait::poll("children, Secrets and pods are gone", END, || async {
        let pods: Api<Pod> = Api::namespaced(client.clone(), name);
        let secrets: Api<Secret> = Api::namespaced(client.clone(), name);
        let left = children::of(&client, name, sample::NAME).await?.len()
            + pods.list(&ours).await?.items.len()
            + secrets.list(&ours).await?.items.len();
        Ok((left == 0).then_some(()))
    })
    .await?;
    figures::within(
        "pipeline deleted, until nothing of it is left",
        begun,
        END.as_secs_f64(),
    )?;
    let secrets: Api<Secret> = Api::namespaced(client.clone(), name);
    ensure!(
        secrets.get_opt(sample::DATABASE_SECRET).await?.is_some(),
        "the user's Secret is gone"
    );

    // With the other pipeline still in it.
    let begun = Instant::now();
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces.delete(name, &DeleteParams::default()).await?;
    wait::until(namespaces, name, "the namespace is gone", GONE, |found| {
        found.is_none()
    })
    .await?;
    figures::within(
        "namespace deleted, until it is gone",
        begun,
        GONE.as_secs_f64(),
    )
}
