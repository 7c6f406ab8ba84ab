//! Numbers as jq 1.6 has them: all of them are doubles.

use alloc::format;
use alloc::string::String;

use jaq_json::{Num, Rc, Val};

/// Integers up to here are doubles too.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// A value whose numbers are rounded to doubles; those that are integers stay usable as indexes.
pub fn as_jq(value: Val) -> Val {
    match value {
        Val::Num(number) => Val::Num(rounded(number)),
        Val::Arr(mut items) => {
            for item in Rc::make_mut(&mut items) {
                *item = as_jq(core::mem::take(item));
            }
            Val::Arr(items)
        }
        Val::Obj(mut fields) => {
            for field in Rc::make_mut(&mut fields).values_mut() {
                *field = as_jq(core::mem::take(field));
            }
            Val::Obj(fields)
        }
        other => other,
    }
}

fn rounded(number: Num) -> Num {
    let float = as_f64(&number);
    let is_zero_with_sign = float == 0.0 && float.is_sign_negative();
    if float.abs() <= MAX_EXACT && float as i64 as f64 == float && !is_zero_with_sign {
        return Num::Int(float as isize);
    }
    Num::Float(float)
}

/// A number as a double.
pub fn as_f64(number: &Num) -> f64 {
    match number {
        Num::Int(integer) => *integer as f64,
        Num::Float(float) => *float,
        Num::Dec(text) => text.parse().unwrap_or(f64::NAN),
        Num::BigInt(integer) => format!("{integer}").parse().unwrap_or(f64::NAN),
    }
}

/// A number as jq 1.6 writes it: in as few digits as give the same double again, with an exponent
/// if there would be many zeros (`freedtoa` as David Gay's `g_fmt` uses it, with jq's limits).
pub fn show(number: &Num) -> String {
    let float = as_f64(number);
    if float.is_nan() {
        return String::from("null");
    }
    // Rust's `{:e}` gives the same digits: the shortest ones, and of those the nearest.
    let scientific = format!("{:e}", float.clamp(-f64::MAX, f64::MAX).abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    // Where the point stands, counted from the first digit.
    let point = exponent.parse::<i32>().unwrap_or(0) + 1;
    let length = digits.len() as i32;
    let sign = if float.is_sign_negative() { "-" } else { "" };
    if point <= -4 || point > length + 15 {
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        let exponent = point - 1;
        let exponent_sign = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{first}{dot}{rest}e{exponent_sign}{:02}", exponent.abs());
    }
    if point <= 0 {
        return format!("{sign}0.{}{digits}", "0".repeat(-point as usize));
    }
    if point >= length {
        return format!("{sign}{digits}{}", "0".repeat((point - length) as usize));
    }
    let (whole, fraction) = digits.split_at(point as usize);
    format!("{sign}{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_jq_writes_them() {
        // Each as `jq .` of Debian 12 prints it.
        for (number, shown) in [
            (1.0, "1"),
            (-0.0, "-0"),
            (0.1, "0.1"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (0.000_012_34, "1.234e-05"),
            (1e15, "1000000000000000"),
            (1e16, "1e+16"),
            (1e100, "1e+100"),
            (1.234_567_890_123_456_8e25, "12345678901234568000000000"),
            (f64::INFINITY, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (f64::NAN, "null"),
            (-18.5, "-18.5"),
        ] {
            assert_eq!(show(&Num::Float(number)), shown);
        }
        assert_eq!(show(&Num::Int(9_007_199_254_740_993)), "9007199254740992");
    }

    #[test]
    fn what_is_read_is_rounded() {
        let read = |text: &str| as_jq(jaq_json::read::parse_single(text.as_bytes()).expect("JSON"));
        assert_eq!(read("[1.0,{\"a\":2e2}]").to_string(), "[1,{\"a\":200}]");
        assert!(matches!(read("1.0"), Val::Num(Num::Int(1))));
        assert!(matches!(read("100000000000000000000"), Val::Num(Num::Float(_))));
    }
}
