//! QEMU's monitor protocol: whether KVM is really on, and why the machine ended.

use std::io;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::pin::pin;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use qapi::futures::{QapiEvents, QapiService, QmpStreamTokio};
use qapi::qmp::{self, Event, QmpCommand, RunState, ShutdownCause};
use qapi::{Command, ExecuteResult};
use tokio::io::{ReadHalf, WriteHalf, split};
use tokio::net::UnixStream;

use super::lines::Lines;

type Service = QapiService<QmpStreamTokio<WriteHalf<UnixStream>>>;
type Events = QapiEvents<QmpStreamTokio<Lines<ReadHalf<UnixStream>>>>;

/// What the monitor told of a machine.
#[derive(Debug, Default)]
pub(super) struct Observed {
    /// Whether it greeted, which QEMU does on its way out at the latest.
    pub(super) has_greeted: bool,
    /// Whether KVM executes it; unknown if the machine never came to run.
    pub(super) is_kvm: Option<bool>,
    /// Why the machine was shut down.
    pub(super) shutdown: Option<ShutdownCause>,
    /// The machine stands still on an internal error and is of no use any more.
    pub(super) is_stuck: bool,
}

/// Follows the monitor on `stream` until it hangs up or the machine is stuck; `running` is called
/// once, as soon as the machine is known to run, with whether KVM executes it.
pub(super) fn watch(stream: StdUnixStream, running: impl FnOnce(bool)) -> Observed {
    let mut observed = Observed::default();
    // Whatever goes wrong here, the monitor is of no more use, and what was observed counts.
    let _ = follow(stream, &mut observed, running);
    observed
}

fn follow(
    stream: StdUnixStream,
    observed: &mut Observed,
    running: impl FnOnce(bool),
) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let (read, write) = split(UnixStream::from_std(stream)?);
        let stream = QmpStreamTokio::open_split(Lines::new(read), write).await?;
        observed.has_greeted = true;
        let (service, mut events) = stream.negotiate().await?.into_parts();
        let kvm = ask(&service, &mut events, observed, qmp::query_kvm {}).await?;
        observed.is_kvm = Some(kvm.enabled);
        running(kvm.enabled);
        // A machine can stop before events are told of; hence the question comes first.
        loop {
            let status = ask(&service, &mut events, observed, qmp::query_status {}).await?;
            observed.is_stuck = status.status == RunState::internal_error;
            if observed.is_stuck {
                return Ok(());
            }
            loop {
                let Some(event) = events.next().await else { return Ok(()) };
                if let Event::STOP { .. } = observed.note(event?) {
                    break;
                }
            }
        }
    })
}

/// Sends a command and awaits its reply, which arrives only while events are polled.
async fn ask<C: QmpCommand + Command>(
    service: &Service,
    events: &mut Events,
    observed: &mut Observed,
    command: C,
) -> ExecuteResult<C> {
    let mut reply = pin!(service.execute(command));
    loop {
        match select(reply.as_mut(), events.next()).await {
            Either::Left((reply, _)) => return reply,
            Either::Right((Some(event), _)) => drop(observed.note(event?)),
            Either::Right((None, _)) => {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
    }
}

impl Observed {
    /// Keeps what an event says of the machine's end.
    fn note(&mut self, event: Event) -> Event {
        if let Event::SHUTDOWN { data, .. } = &event {
            self.shutdown = Some(data.reason);
        }
        event
    }

    /// Whether the machine ended because of what the guest did.
    pub(super) fn is_guest_s_doing(&self) -> bool {
        use ShutdownCause::{guest_panic, guest_reset, guest_shutdown, subsystem_reset};
        matches!(self.shutdown, Some(guest_reset | guest_shutdown | guest_panic | subsystem_reset))
    }
}
