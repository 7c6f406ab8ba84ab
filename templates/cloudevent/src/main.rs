//! Answers an event with another.
#![cfg_attr(ampoule_guest, no_std, no_main)]

use ampoule::event::{Event, EventExt, FromEvent, Json, JsonText};
use ampoule::prelude::*;
use serde::{Deserialize, Serialize};

ampoule::handler!(handle);

/// The data of what comes in.
#[derive(Deserialize)]
struct Visitor {
    name: String,
}

/// The data of what goes out.
#[derive(Debug, PartialEq, Serialize)]
struct Greeting {
    text: String,
}

/// Attributes matter here. Where they do not, a handler may be `fn(Json<Visitor>) -> Json<Greeting>`.
fn handle(event: Event) -> Result<Event> {
    let answer = event.answer("com.example.greeted")?;
    let Json(visitor) = Json::from_event(event)?;
    Ok(answer.with_data(JsonText::of(&greet(visitor))?))
}

fn greet(visitor: Visitor) -> Greeting {
    Greeting { text: format!("Hello, {}!", visitor.name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_greets_by_name_and_tells_what_it_answers() {
        let data = JsonText::new("{\"name\":\"Ada\"}").expect("JSON");
        let event = Event::new("1", "/door", "com.example.visited").expect("an event");
        let answer = handle(event.with_data(data)).expect("an answer");
        assert_eq!(answer.event_type(), "com.example.greeted");
        assert_eq!(answer.extension("causationid"), Some(&"1".into()));
        assert_eq!(answer.data().and_then(|data| data.text()), Some("{\"text\":\"Hello, Ada!\"}"));
    }
}
