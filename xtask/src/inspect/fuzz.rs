//! Images and debug information that are taken apart, which need not be sound for that.

use ampoule_abi::layout::MIN_MEMORY_BYTES;

use super::inspect;

/// Any bytes as an image and its twin.
pub fn inspection(bytes: &[u8]) {
    let Some((length, bytes)) = bytes.split_first_chunk() else { return };
    let length = usize::from(u16::from_le_bytes(*length)).min(bytes.len());
    let (image, twin) = bytes.split_at(length);
    let Ok(inspection) = inspect(image, (!twin.is_empty()).then_some(twin)) else { return };
    let ends = inspection.segments.iter().map(|it| it.address.saturating_add(it.memory_bytes));
    let least = ends.max().unwrap_or(0).max(MIN_MEMORY_BYTES);
    assert!(inspection.least_memory_bytes >= least);
    assert!(inspection.crates.is_sorted_by(|one, other| one.bytes >= other.bytes));
    let json = serde_json::to_string(&inspection).expect("there is nothing that JSON has not");
    assert!(json.chars().all(|c| c >= ' '));
}

#[cfg(test)]
mod tests {
    #[test]
    fn inspection() {
        crate::replay::replay("inspection", super::inspection, 2000);
    }
}
