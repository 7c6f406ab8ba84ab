//! A graph from a list of its edges.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Edges as they are read, nodes numbered as they are first seen.
#[derive(Debug, Default)]
pub struct Edges {
    numbers: BTreeMap<Box<[u8]>, u32>,
    edges: Vec<(u32, u32)>,
}

/// A graph, its nodes numbered in the order of their names.
#[derive(Debug)]
pub struct Graph {
    names: Vec<Box<[u8]>>,
    /// Sources, in the order of the targets of their edges.
    sources: Vec<u32>,
    /// For each node, where in `sources` its own begin; then their number.
    starts: Vec<usize>,
    out_degrees: Vec<u32>,
}

impl Edges {
    /// Adds the edge of a line `FROM TO`; empty lines and comments after `#` have none.
    pub fn add_line(&mut self, line: &[u8]) -> Result<(), String> {
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        match (words.next(), words.next(), words.next()) {
            (None, ..) => Ok(()),
            (Some([b'#', ..]), ..) => Ok(()),
            (Some(from), Some(to), None) => {
                let edge = (self.number(from), self.number(to));
                self.edges.push(edge);
                Ok(())
            }
            _ => Err(format!("`{}` is not an edge: FROM TO", line.escape_ascii())),
        }
    }

    fn number(&mut self, name: &[u8]) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.numbers.len()).expect("memory ends before numbers do");
        self.numbers.insert(name.into(), number);
        number
    }

    /// The graph of the edges.
    pub fn into_graph(self) -> Graph {
        let nodes = self.numbers.len();
        let mut by_name = alloc::vec![0u32; nodes];
        let mut names = Vec::with_capacity(nodes);
        for (name, number) in self.numbers {
            by_name[number as usize] = names.len() as u32;
            names.push(name);
        }
        let mut starts = alloc::vec![0; nodes + 1];
        let mut out_degrees = alloc::vec![0; nodes];
        for &(from, to) in &self.edges {
            out_degrees[by_name[from as usize] as usize] += 1;
            starts[by_name[to as usize] as usize + 1] += 1;
        }
        for node in 0..nodes {
            starts[node + 1] += starts[node];
        }
        let mut places = starts.clone();
        let mut sources = alloc::vec![0; self.edges.len()];
        for (from, to) in self.edges {
            let place = &mut places[by_name[to as usize] as usize];
            sources[*place] = by_name[from as usize];
            *place += 1;
        }
        Graph { names, sources, starts, out_degrees }
    }
}

impl Graph {
    /// The number of nodes.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// The name of a node.
    pub fn name(&self, node: usize) -> &[u8] {
        &self.names[node]
    }

    /// The sources of a node's edges, as often as they have one to it.
    pub fn sources(&self, node: usize) -> impl Iterator<Item = usize> {
        self.sources[self.starts[node]..self.starts[node + 1]].iter().map(|&source| source as usize)
    }

    /// The number of edges that leave a node.
    pub fn out_degree(&self, node: usize) -> u32 {
        self.out_degrees[node]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_become_a_graph() {
        let mut edges = Edges::default();
        for line in ["# b and a", "b a", "  c\ta ", "", "b c", "b a"] {
            edges.add_line(line.as_bytes()).expect("good");
        }
        assert!(edges.add_line(b"a").is_err());
        assert!(edges.add_line(b"a b c").is_err());
        let graph = edges.into_graph();
        let names: Vec<_> = (0..graph.len()).map(|node| graph.name(node)).collect();
        assert_eq!(names, [b"a", b"b", b"c"]);
        assert_eq!(graph.sources(0).collect::<Vec<_>>(), [1, 2, 1]);
        assert_eq!((0..3).map(|node| graph.out_degree(node)).collect::<Vec<_>>(), [0, 3, 1]);
    }
}
