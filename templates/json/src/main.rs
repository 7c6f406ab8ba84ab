//! Answers a JSON document with another.
#![cfg_attr(ampoule_guest, no_std, no_main)]

use ampoule::io::stdin;
use ampoule::prelude::*;
use serde::{Deserialize, Serialize};

ampoule::main!(run);

/// What comes in.
#[derive(Deserialize)]
struct Request {
    name: String,
}

/// What goes out.
#[derive(Debug, PartialEq, Serialize)]
struct Response {
    greeting: String,
}

fn run() -> Result {
    let request = serde_json::from_slice(&stdin().read_all()?).map_err(Error::data)?;
    println!("{}", serde_json::to_string(&answer(request))?);
    Ok(())
}

fn answer(request: Request) -> Response {
    Response { greeting: format!("Hello, {}!", request.name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_greets_by_name() {
        let response = answer(Request { name: "Ada".into() });
        assert_eq!(response.greeting, "Hello, Ada!");
    }
}
