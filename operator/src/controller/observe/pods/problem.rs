//! What keeps a single pod from running. The kubelet's own words alternate (`ErrImagePull`, then
//! `ImagePullBackOff`; `Running`, then `CrashLoopBackOff`); here each cause has one name and one text.

use k8s_openapi::api::core::v1::{ContainerState, ContainerStateTerminated, ContainerStatus, Pod};

/// Reason of a container whose program could not even be run.
pub(super) const NOT_STARTED: &str = "CreateContainerError";

/// Why pods of one component do not run. The order of the members is the order of importance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodProblem {
    /// Lower is more telling: an image that cannot be pulled explains more than a pod without a node.
    pub rank: u8,
    /// Part of the pipeline: `api`, `worker`, `serve` or `migrate`.
    pub component: String,
    /// One CamelCase word, as Kubernetes names it.
    pub reason: &'static str,
    /// The cause and the next step.
    pub message: String,
}

/// The problem of this pod, if it has one.
pub(super) fn of(pod: &Pod) -> Option<PodProblem> {
    let component = super::component(pod).to_owned();
    let status = pod.status.as_ref()?;
    let containers = status
        .init_container_statuses
        .iter()
        .chain(&status.container_statuses)
        .flatten();
    let (rank, reason, message) = containers
        .filter_map(of_container)
        .min()
        .or_else(|| unschedulable(pod))
        .or_else(|| evicted(pod))?;
    Some(PodProblem {
        rank,
        component,
        reason,
        message,
    })
}

type Found = (u8, &'static str, String);

fn of_container(container: &ContainerStatus) -> Option<Found> {
    let name = &container.name;
    let waiting = container
        .state
        .as_ref()
        .and_then(|state| state.waiting.as_ref());
    match waiting.and_then(|waiting| waiting.reason.as_deref()) {
        Some("ImagePullBackOff" | "ErrImagePull" | "ErrImageNeverPull" | "RegistryUnavailable") => {
            Some((
                0,
                "ImagePullBackOff",
                format!(
                    "image '{}' cannot be pulled: check its name, and that the nodes may pull it (imagePullSecrets in the podTemplate)",
                    container.image
                ),
            ))
        }
        Some("InvalidImageName") => Some((
            0,
            "InvalidImageName",
            format!("'{}' is no valid image name: correct it", container.image),
        )),
        Some("CreateContainerConfigError" | "CreateContainerError" | "RunContainerError") => {
            let message = waiting
                .and_then(|waiting| waiting.message.clone())
                .unwrap_or_default();
            Some((
                1,
                NOT_STARTED,
                format!("container '{name}' cannot be created: {message}"),
            ))
        }
        _ => crash_loop(container),
    }
}

/// A container that failed before and is not ready now, whichever phase of the loop it is in.
fn crash_loop(container: &ContainerStatus) -> Option<Found> {
    if container.ready || container.restart_count == 0 {
        return None;
    }
    let ended =
        |state: &Option<ContainerState>| state.as_ref().and_then(|state| state.terminated.clone());
    let last = ended(&container.state).or_else(|| ended(&container.last_state))?;
    if last.exit_code == 0 {
        return None;
    }
    if let Some(why) = not_started(&last) {
        return Some((1, NOT_STARTED, why));
    }
    let name = &container.name;
    let message = match last.reason.as_deref() {
        Some("OOMKilled") => format!(
            "container '{name}' was killed for using more memory than its limit: raise `resources.limits.memory`"
        ),
        _ => format!(
            "container '{name}' ends with exit code {} again and again: see its log (`kubectl logs --previous` of the pod)",
            last.exit_code
        ),
    };
    Some((2, "CrashLoopBackOff", message))
}

/// What the container runtime says of a container that it could not start: there is no log then.
pub(super) fn not_started(ended: &ContainerStateTerminated) -> Option<String> {
    let is_start_error = matches!(
        ended.reason.as_deref(),
        Some("StartError" | "ContainerCannotRun")
    );
    is_start_error.then(|| {
        format!(
            "the container cannot be started: {}; check that `image` is an image of the extractor for the nodes' architecture",
            ended.message.as_deref().unwrap_or("no cause is given").trim()
        )
    })
}

fn unschedulable(pod: &Pod) -> Option<Found> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let scheduled = conditions
        .iter()
        .find(|condition| condition.type_ == "PodScheduled")?;
    if scheduled.status != "False" || scheduled.reason.as_deref() != Some("Unschedulable") {
        return None;
    }
    let why = scheduled.message.as_deref().unwrap_or("no node fits");
    // The scheduler's words for a claim that has no volume, whether its class is missing or has none to give.
    let step = if why.contains("PersistentVolumeClaim") || why.contains("persistentvolumeclaim") {
        "check that the StorageClass of `storage.storageClassName` exists and can make a volume of `storage.size` (`kubectl describe pvc` says more)"
    } else {
        "add nodes or lower `resources.requests`"
    };
    Some((
        3,
        "Unschedulable",
        format!("no node takes the pod: {why}; {step}"),
    ))
}

fn evicted(pod: &Pod) -> Option<Found> {
    let status = pod.status.as_ref()?;
    (status.reason.as_deref() == Some("Evicted")).then(|| {
        (
            4,
            "Evicted",
            format!(
                "the node evicted the pod: {}",
                status.message.as_deref().unwrap_or_default()
            ),
        )
    })
}
