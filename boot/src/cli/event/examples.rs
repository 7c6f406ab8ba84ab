//! Events as services send them, to try functions with. Their payloads are not our own: see
//! tests/data/README.md.

use ampoule_event::{Event, from_json};
use anyhow::anyhow;
use clap::builder::PossibleValuesParser;

macro_rules! examples {
    ($($name:literal),+ $(,)?) => {
        const EXAMPLES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("examples/", $name, ".json")))),+];
    };
}

examples! {
    "dynamodb", "eventbridge-schedule", "github-issue", "github-push", "github-star", "s3", "sns", "sqs",
}

/// Takes their names.
pub(super) fn parser() -> PossibleValuesParser {
    EXAMPLES.iter().map(|(name, _)| *name).into()
}

/// The example called `name`.
pub(super) fn find(name: &str) -> anyhow::Result<Event> {
    let found = EXAMPLES.iter().find(|(example, _)| *example == name);
    let (_, json) = found.ok_or_else(|| anyhow!("there is no example {name:?}"))?;
    Ok(from_json(json.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_an_event_with_json_data() {
        for (name, _) in EXAMPLES {
            let event = find(name).expect(name);
            assert!(matches!(event.data(), Some(ampoule_event::Data::Json(_))), "{name}");
        }
    }
}
