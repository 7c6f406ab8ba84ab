//! What an event takes over from the event that caused it (CloudEvents extensions Correlation and
//! Distributed Tracing).

use alloc::string::{String, ToString};

use crate::{Event, TraceParent, Value, trace};

/// The extension that names the event which caused this one.
pub const CAUSATION_ID: &str = "causationid";
/// The extension that all events of one flow share.
pub const CORRELATION_ID: &str = "correlationid";
/// The extension that holds a place in a trace.
pub const TRACE_PARENT: &str = "traceparent";
/// The extension that holds what tracing systems add to it.
pub const TRACE_STATE: &str = "tracestate";

impl Event {
    /// This event as one that `cause` brought about. What it has already of the following stays as it is:
    ///
    /// - `causationid` is the cause's `id`;
    /// - `correlationid` is the cause's, or the cause's `id` if that begins the flow;
    /// - `traceparent` is a span below the cause's, by 8 random bytes, and `tracestate` the cause's, if the
    ///   cause has valid ones.
    pub fn caused_by(mut self, cause: &Event, random: [u8; 8]) -> Self {
        let flow = cause.string_extension(CORRELATION_ID).filter(|flow| !flow.is_empty());
        self.set_if_absent(CAUSATION_ID, cause.id().to_string());
        self.set_if_absent(CORRELATION_ID, flow.unwrap_or_else(|| cause.id().to_string()));
        let state = cause.string_extension(TRACE_STATE);
        self.traced(cause.trace_parent(), state.as_deref(), random)
    }

    /// This event as one of a trace: a span below `parent`, by 8 random bytes, with `state` if that is a
    /// valid `tracestate`. If it has a `traceparent` already, or there is no parent, nothing changes.
    pub fn traced(
        mut self,
        parent: Option<TraceParent>,
        state: Option<&str>,
        random: [u8; 8],
    ) -> Self {
        if self.extension(TRACE_PARENT).is_none()
            && let Some(parent) = parent
        {
            self.set_if_absent(TRACE_PARENT, parent.child(random).to_string());
            if let Some(state) = state.filter(|state| trace::is_tracestate(state)) {
                self.set_if_absent(TRACE_STATE, state.to_string());
            }
        }
        self
    }

    /// Its place in a trace, if it has one that is valid.
    pub fn trace_parent(&self) -> Option<TraceParent> {
        self.string_extension(TRACE_PARENT)?.parse().ok()
    }

    /// The canonical string of an extension.
    fn string_extension(&self, name: &str) -> Option<String> {
        self.extension(name).map(Value::to_string)
    }

    fn set_if_absent(&mut self, name: &str, value: String) {
        if self.extension(name).is_none() {
            self.set_extension(name, value.into()).expect("taken from a valid event");
        }
    }
}
