//! Answers a Protobuf message in an event with another.
#![cfg_attr(ampoule_guest, no_std, no_main)]

use ampoule::event::Protobuf;
use ampoule::prelude::*;

ampoule::handler!(greet);

/// What comes in: `message Visitor { string name = 1; }`
#[derive(Clone, PartialEq, prost::Message)]
struct Visitor {
    #[prost(string, tag = "1")]
    name: String,
}

/// What goes out: `message Greeting { string text = 1; }`
#[derive(Clone, PartialEq, prost::Message)]
struct Greeting {
    #[prost(string, tag = "1")]
    text: String,
}

fn greet(Protobuf(visitor): Protobuf<Visitor>) -> Protobuf<Greeting> {
    Protobuf(Greeting { text: format!("Hello, {}!", visitor.name) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_greets_by_name() {
        let Protobuf(greeting) = greet(Protobuf(Visitor { name: "Ada".into() }));
        assert_eq!(greeting.text, "Hello, Ada!");
    }
}
