//! The pod of a function: what it runs, on what, with how little.

use super::Function;
use super::yaml::{Entry, Yaml, entry};

/// Where a Service listens.
pub(super) const PORT: u16 = 8080;

/// Where the function's image is, in a container of another one.
const MOUNT: &str = "/function";
/// Where JobSink puts the event.
const EVENT: &str = "/etc/jobsink-event/event";
/// What it is, which a function of events wants to know.
const CONTENT_TYPE: &str = "CONTENT_TYPE=application/cloudevents+json";
/// An image with a shell and `tcpsvd`, copied into the repository as `xtask/ARTIFACTS.md` says.
const TOOLS: &str = "busybox:1.37";
/// The same with QEMU, made as `xtask/ARTIFACTS.md` says.
const TOOLS_WITH_QEMU: &str = "ampoule-qemu:1";

/// Who a container is run as: the one that the images name themselves.
const USER: u64 = 65532;

/// What executes the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Machine {
    /// The node's KVM, which a device plugin hands out.
    Kvm,
    /// QEMU's translator, from the container's own image.
    Tcg,
}

/// What the function reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stdin {
    /// What somebody attaches.
    Attached,
    /// An event of JobSink.
    Event,
    /// A connection; there may be many at once, each with a machine of its own.
    Connection,
}

/// The label that tells pods of one function apart.
pub(super) const COMPONENT: &str = "app.kubernetes.io/component";

impl Stdin {
    /// What that label says.
    pub(super) fn component(self) -> &'static str {
        match self {
            Self::Attached => "job",
            Self::Event => "event",
            Self::Connection => "service",
        }
    }
}

/// Calls of a Service at once, in one pod.
const CONNECTIONS: u64 = 8;

/// The template of the pod.
pub(super) fn template(function: &Function<'_>, machine: Machine, stdin: Stdin) -> Yaml {
    let mut spec = Vec::new();
    if stdin != Stdin::Connection {
        spec.push(entry("restartPolicy", "Never"));
    }
    spec.extend([
        entry("automountServiceAccountToken", false),
        entry("enableServiceLinks", false),
        entry("terminationGracePeriodSeconds", 5),
        entry("securityContext", security()),
        entry("containers", Yaml::List(vec![container(function, machine, stdin)])),
    ]);
    if !is_own_image(machine, stdin) {
        let image = [entry("reference", function.image()), entry("pullPolicy", "IfNotPresent")];
        let volume = Yaml::from([entry("name", "function"), entry("image", image)]);
        spec.push(
            entry("volumes", Yaml::List(vec![volume])).saying(
                "Image volumes: Kubernetes 1.35, or 1.33 with the feature gate ImageVolume.",
            ),
        );
    }
    let mut labels = Vec::from(function.labels());
    labels.push(entry(COMPONENT, stdin.component()));
    let metadata = [entry("labels", labels)];
    [entry("metadata", metadata), entry("spec", spec)].into()
}

/// Whether the container is of the function's image itself, which has nothing but the function.
fn is_own_image(machine: Machine, stdin: Stdin) -> bool {
    machine == Machine::Kvm && stdin == Stdin::Attached
}

fn security() -> [Entry; 4] {
    [
        entry("runAsNonRoot", true),
        entry("runAsUser", USER),
        entry("runAsGroup", USER),
        entry("seccompProfile", [entry("type", "RuntimeDefault")]),
    ]
}

fn container(function: &Function<'_>, machine: Machine, stdin: Stdin) -> Yaml {
    let mut entries = vec![entry("name", "function")];
    let bundle = format!("/{}", function.name);
    if is_own_image(machine, stdin) {
        entries.push(entry("image", function.image()));
        entries.push(entry("command", Yaml::from_iter([bundle])));
    } else {
        let image = match machine {
            Machine::Kvm => TOOLS,
            Machine::Tcg => TOOLS_WITH_QEMU,
        };
        entries.push(entry("image", format!("{}/{image}", function.repository)));
        entries.push(entry("command", command(&format!("{MOUNT}{bundle}"), stdin)));
        let mount = [entry("name", "function"), entry("mountPath", MOUNT), entry("readOnly", true)];
        entries.push(entry("volumeMounts", Yaml::List(vec![mount.into()])));
    }
    if stdin == Stdin::Attached {
        entries.extend([entry("stdin", true), entry("stdinOnce", true)]);
    }
    if stdin == Stdin::Connection {
        let port = [entry("name", "function"), entry("containerPort", u64::from(PORT))];
        entries.push(entry("ports", Yaml::List(vec![port.into()])));
    }
    entries.push(entry("resources", resources(function, machine, stdin)));
    let confined = [
        entry("allowPrivilegeEscalation", false),
        entry("readOnlyRootFilesystem", true),
        entry("capabilities", [entry("drop", Yaml::from_iter(["ALL"]))]),
    ];
    entries.push(entry("securityContext", confined));
    entries.into()
}

/// What runs the bundle with that STDIN.
fn command(bundle: &str, stdin: Stdin) -> Yaml {
    let (port, connections) = (PORT.to_string(), CONNECTIONS.to_string());
    match stdin {
        Stdin::Attached => Yaml::from_iter([bundle]),
        Stdin::Event => {
            let script = format!("exec \"$0\" --ampoule-env {CONTENT_TYPE} < {EVENT}");
            Yaml::from_iter(["sh", "-c", &script, bundle])
        }
        Stdin::Connection => {
            let words = ["tcpsvd", "-E", "-c", &connections, "0.0.0.0", &port, bundle];
            Yaml::from_iter(words)
        }
    }
}

/// What the pod may use: the machines' memory and what runs them.
fn resources(function: &Function<'_>, machine: Machine, stdin: Stdin) -> [Entry; 2] {
    // The launcher and a shell need a few MiB, QEMU most for what it has translated.
    let (monitor_mib, kvm) = match machine {
        Machine::Kvm => (16, true),
        Machine::Tcg => (192, false),
    };
    let calls = if stdin == Stdin::Connection { CONNECTIONS } else { 1 };
    let memory = format!("{}Mi", calls * (function.memory_bytes.div_ceil(1 << 20) + monitor_mib));
    let mut limits = vec![entry("cpu", "1"), entry("memory", memory.clone())];
    if kvm {
        limits.push(entry("devices.kubevirt.io/kvm", "1").saying(
            "/dev/kvm, from KubeVirt's device plugin. Others call it squat.ai/kvm or\n\
             smarter-devices/kvm. Where the device belongs to a group on the nodes, add its number\n\
             to the pod's securityContext as supplementalGroups.",
        ));
    }
    let requests = [entry("cpu", "100m"), entry("memory", memory)];
    [entry("requests", requests), entry("limits", limits)]
}
