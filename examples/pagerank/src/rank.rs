//! The ranks, by power iteration.

use alloc::vec::Vec;

use crate::graph::Graph;
use crate::options::Options;

/// The rank of each node; together they are 1. What a node without links has, all get a share of.
pub fn ranks(graph: &Graph, options: &Options) -> Vec<f64> {
    let nodes = graph.len();
    let share = 1.0 / nodes as f64;
    let mut ranks = alloc::vec![share; nodes];
    for _ in 0..options.iterations {
        let lost: f64 =
            (0..nodes).filter(|&node| graph.out_degree(node) == 0).map(|node| ranks[node]).sum();
        // What every node passes on along each of its edges.
        let passed: Vec<_> =
            (0..nodes).map(|node| ranks[node] / f64::from(graph.out_degree(node).max(1))).collect();
        let base = (1.0 - options.damping + options.damping * lost) * share;
        let mut change = 0.0;
        for (node, rank) in ranks.iter_mut().enumerate() {
            let received: f64 = graph.sources(node).map(|source| passed[source]).sum();
            let next = base + options.damping * received;
            change += (next - *rank).abs();
            *rank = next;
        }
        if change <= options.epsilon {
            break;
        }
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Edges;

    fn ranked(lines: &[&str], damping: f64) -> Vec<f64> {
        let mut edges = Edges::default();
        lines.iter().for_each(|line| edges.add_line(line.as_bytes()).expect("an edge"));
        let options = Options { damping, iterations: 1000, epsilon: 1e-15, top: 9 };
        ranks(&edges.into_graph(), &options)
    }

    #[test]
    fn a_circle_has_equal_ranks() {
        for rank in ranked(&["a b", "b c", "c a"], 0.85) {
            assert!((rank - 1.0 / 3.0).abs() < 1e-12);
        }
    }

    #[test]
    fn two_nodes_solved_by_hand() {
        // a = (1 - d) / 2 + d b / 2, b = 1 - a: the second has no links.
        let ranks = ranked(&["a b"], 0.5);
        assert!((ranks[0] - 0.4).abs() < 1e-12 && (ranks[1] - 0.6).abs() < 1e-12);
    }

    #[test]
    fn ranks_are_1_together() {
        let sum: f64 = ranked(&["a b", "a c", "d d", "c e", "e a", "x y"], 0.85).iter().sum();
        assert!((sum - 1.0).abs() < 1e-12);
    }

    #[test]
    fn no_graph_has_no_ranks() {
        assert!(ranked(&[], 0.85).is_empty());
    }
}
