//! Ranks the nodes of a directed graph by the links to them (Page and Brin's PageRank).
#![cfg_attr(ampoule_guest, no_std, no_main)]

extern crate alloc;

mod graph;
mod options;
mod rank;

use alloc::string::String;

use ampoule::env;
use ampoule::io::{BufWriter, stdin, stdout};
use ampoule::prelude::*;
use graph::Edges;
use options::Options;

ampoule::main!(pagerank);

fn pagerank() -> Result {
    let options = Options::parse(env::args())?;
    let mut edges = Edges::default();
    let mut number = 0;
    stdin().for_byte_line(|line| {
        number += 1;
        edges.add_line(line).map_err(|problem| Error::data(format!("line {number}: {problem}")))
    })?;
    let graph = edges.into_graph();
    let ranks = rank::ranks(&graph, &options);
    let mut order: Vec<_> = (0..ranks.len()).collect();
    // Nodes are numbered by name, so that those of one rank stand in its order.
    order.sort_by(|&a, &b| ranks[b].total_cmp(&ranks[a]).then(a.cmp(&b)));
    let mut output = BufWriter::new(stdout());
    for node in order.into_iter().take(options.top) {
        let name = String::from_utf8_lossy(graph.name(node));
        output.write_all(format!("{name}\t{:.10}\n", ranks[node]).as_bytes())?;
    }
    Ok(output.flush()?)
}
