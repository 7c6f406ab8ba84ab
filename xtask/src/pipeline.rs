//! Processes that run at once, each reading what the one before it writes.
//!
//! One thread waits for signals alone: a child's end is one of them, so no process is ever
//! signalled after it was reaped.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Why a pipeline could not be run.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// Signals cannot be listened for.
    #[error("signals cannot be listened for")]
    Signals(#[source] io::Error),
    /// A process could not be started.
    #[error("{program} cannot be started")]
    Start {
        /// The program.
        program: String,
        /// What went wrong.
        source: io::Error,
    },
    /// A process could not be waited for.
    #[error("a stage cannot be waited for")]
    Wait(#[source] io::Error),
}

/// Runs the commands, the first on this process's STDIN and the last on its STDOUT, and returns
/// how each ended. SIGINT, SIGTERM and SIGHUP are passed on to all that still run.
pub fn run(commands: Vec<Command>) -> Result<Vec<ExitStatus>, PipelineError> {
    let mut signals =
        Signals::new([SIGCHLD, SIGINT, SIGTERM, SIGHUP]).map_err(PipelineError::Signals)?;
    let mut stages = Vec::new();
    if let Err(error) = start(commands, &mut stages) {
        stages.iter_mut().for_each(Stage::end);
        return Err(error);
    }
    for signal in signals.forever() {
        match Signal::from_named_raw(signal) {
            Some(signal) if signal != Signal::CHILD => {
                stages.iter().for_each(|stage| stage.send(signal));
            }
            _ => {}
        }
        for stage in &mut stages {
            stage.look()?;
        }
        if let Some(statuses) = stages.iter().map(|stage| stage.status).collect() {
            return Ok(statuses);
        }
    }
    Ok(Vec::new())
}

/// The status as a shell gives it: 128 and the signal's number for a process that was killed.
pub fn exit_code(status: &ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

struct Stage {
    child: Child,
    status: Option<ExitStatus>,
}

impl Stage {
    fn send(&self, signal: Signal) {
        if self.status.is_none() {
            // It may have ended meanwhile; until it is reaped its number is its own.
            let _ = kill_process(Pid::from_child(&self.child), signal);
        }
    }

    fn look(&mut self) -> Result<(), PipelineError> {
        if self.status.is_none() {
            self.status = self.child.try_wait().map_err(PipelineError::Wait)?;
        }
        Ok(())
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(commands: Vec<Command>, stages: &mut Vec<Stage>) -> Result<(), PipelineError> {
    let last = commands.len().saturating_sub(1);
    let mut input = Stdio::inherit();
    for (index, mut command) in commands.into_iter().enumerate() {
        let output = if index == last { Stdio::inherit() } else { Stdio::piped() };
        let child = command.stdin(input).stdout(output).spawn();
        let mut child = child.map_err(|source| PipelineError::Start {
            program: command.get_program().display().to_string(),
            source,
        })?;
        input = child.stdout.take().map_or_else(Stdio::null, Stdio::from);
        stages.push(Stage { child, status: None });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn stages_run_at_once_and_report_each_status() {
        // The first stage ends only when the last has gone away.
        let commands =
            vec![shell("yes"), shell("head -n 1 > /dev/null; exit 3"), shell("cat; exit 4")];
        let statuses = run(commands).expect("a pipeline");
        let codes: Vec<u8> = statuses.iter().map(exit_code).collect();
        assert_eq!(codes[1..], [3, 4]);
        assert_ne!(codes[0], 0);
    }

    #[test]
    fn a_stage_that_does_not_start_ends_the_others() {
        let mut endless = Command::new("sleep");
        endless.arg("1000");
        let error = run(vec![endless, Command::new("/nowhere/at/all")]);
        assert!(matches!(error, Err(PipelineError::Start { .. })));
    }
}
