//! Sends events on, marked with where they are to go: the extension `route`, by their `type`.
//!
//! Arguments are rules, `PATTERN=ROUTE`, the first that fits counts. A pattern is a type, or the
//! beginning of one and `*`. An event that no rule fits is dropped.
#![cfg_attr(ampoule_guest, no_std, no_main)]

use ampoule::env;
use ampoule::event::Event;
use ampoule::prelude::*;

ampoule::handler!(route);

fn route(event: Event) -> Result<Option<Event>> {
    match find(env::args(), event.event_type())? {
        Some(route) => Ok(Some(event.with_extension("route", route).map_err(Error::config)?)),
        None => Ok(None),
    }
}

/// The route of the first rule that fits.
fn find<'a>(rules: impl Iterator<Item = &'a str>, event_type: &str) -> Result<Option<&'a str>> {
    for rule in rules {
        let (pattern, route) =
            rule.split_once('=').filter(|(_, route)| !route.is_empty()).ok_or_else(|| {
                Error::config(format!(
                    "the rule {rule:?} is not PATTERN=ROUTE, such as 'com.github.*=reviews'"
                ))
            })?;
        let fits = match pattern.strip_suffix('*') {
            Some(beginning) => event_type.starts_with(beginning),
            None => event_type == pattern,
        };
        if fits {
            return Ok(Some(route));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rules: &[&'static str], event_type: &str) -> Option<&'static str> {
        find(rules.iter().copied(), event_type).expect("rules")
    }

    #[test]
    fn the_first_rule_that_fits_counts() {
        let rules = ["com.github.push=builds", "com.github.*=reviews", "*=rest"];
        assert_eq!(found(&rules, "com.github.push"), Some("builds"));
        assert_eq!(found(&rules, "com.github.issues.opened"), Some("reviews"));
        assert_eq!(found(&rules, "com.amazonaws.s3"), Some("rest"));
        assert_eq!(found(&rules[..2], "com.githubs"), None);
    }

    #[test]
    fn what_is_no_rule_is_told() {
        let error = find(["com.github.*"].into_iter(), "x").expect_err("it has no route");
        assert_eq!(error.status(), 78);
        assert!(error.to_string().contains("com.github.*"), "{error}");
    }
}
