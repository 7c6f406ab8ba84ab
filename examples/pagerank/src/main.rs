//! Ranks the nodes of a directed graph by the links to them (Page and Brin's PageRank).
#![cfg_attr(ampoule_guest, no_std, no_main)]

extern crate alloc;

mod graph;
mod options;
mod rank;

use alloc::string::String;
use core::cmp::Reverse;

use ampoule::env;
use ampoule::io::{BufWriter, stdin, stdout};
use ampoule::prelude::*;
use graph::Edges;
use options::Options;

ampoule::main!(pagerank);

/// One in the unit that ranks are printed in.
const DECIMALS: u64 = 10_000_000_000;

fn pagerank() -> Result {
    let options = Options::parse(env::args())?;
    let mut edges = Edges::default();
    let mut number = 0;
    stdin().for_byte_line(|line| {
        number += 1;
        edges.add_line(line).map_err(|problem| Error::data(format!("line {number}: {problem}")))
    })?;
    let graph = edges.into_graph();
    let ranks: Vec<_> = rank::ranks(&graph, &options).into_iter().map(printed).collect();
    let mut order: Vec<_> = (0..ranks.len()).collect();
    // Nodes are numbered by name, so that those of one rank stand in its order.
    order.sort_by_key(|&node| (Reverse(ranks[node]), node));
    let mut output = BufWriter::new(stdout());
    for node in order.into_iter().take(options.top) {
        let name = String::from_utf8_lossy(graph.name(node));
        let (whole, fraction) = (ranks[node] / DECIMALS, ranks[node] % DECIMALS);
        output.write_all(format!("{name}\t{whole}.{fraction:010}\n").as_bytes())?;
    }
    Ok(output.flush()?)
}

/// A rank in units of its last printed digit. They are what is sorted: what lies below depends on
/// the order of additions.
fn printed(rank: f64) -> u64 {
    (rank * DECIMALS as f64 + 0.5) as u64
}
