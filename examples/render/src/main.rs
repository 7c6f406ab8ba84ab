//! Renders JSON as HTML by a Mustache template.
//!
//! The template is the argument, or the variable `TEMPLATE`; without either, records become a
//! table. No maintained engine that takes templates at run time does without std, so the
//! language's core is here.
#![cfg_attr(ampoule_guest, no_std, no_main)]

extern crate alloc;

mod options;
mod parse;
mod render;
mod table;
mod value;

use ampoule::env;
use ampoule::io::{BufWriter, stdin, stdout};
use ampoule::prelude::*;
use options::Options;

ampoule::main!(render);

fn render() -> Result {
    let options = Options::parse(env::args(), env::var("TEMPLATE"))?;
    // Before the input: whoever waits for it learns of a bad template at once.
    let template = parse::template(options.template.unwrap_or(table::TEMPLATE))
        .map_err(|problem| Error::config(format_args!("the template: {problem}")))?;
    let data = value::read(&stdin().read_all()?)
        .map_err(|problem| Error::data(format_args!("the input is not JSON: {problem}")))?;
    let data = match options.template {
        Some(_) => data,
        None => table::view(data, options.title),
    };
    let mut output = BufWriter::new(stdout());
    render::render(&template, &data, &mut output)?;
    Ok(output.flush()?)
}
