//! What filters can call beyond what the interpreter brings.

mod dates;
mod math;
mod regex;
mod text;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::iter;

use ampoule::io::{Write, stderr};
use ampoule::{env, time};
use jaq_core::load::parse::Def;
use jaq_core::native::{Filter, Fun, bome, run, unary, v};
use jaq_core::{Error, RunPtr, ValR, ValT as _};
use jaq_json::{Num, Rc, Val};
use jaq_std::input;

use crate::filter::Kind;
use crate::print::Format;

/// A function in Rust, by name.
type Native = Filter<RunPtr<Kind>>;

/// Definitions of `jaq-std` that need functions of it which need std, and which jq 1.6 scarcely
/// knows, or which the prelude has.
const LEFT_OUT: &[&str] = &[
    "logb",
    "significand",
    "drem",
    "nexttoward",
    "scalb",
    "gamma",
    "stderr",
    "debug",
    "halt_error",
    "@html",
    "@htmld",
    "@uri",
    "@urid",
    "@base64",
    "@base64d",
];

/// Everything that is defined in jq itself. Of two definitions the later one holds.
pub fn definitions() -> impl Iterator<Item = Def> {
    let prelude = jaq_core::load::parse(include_str!("prelude.jq"), |parser| parser.defs());
    jaq_core::defs()
        .chain(jaq_std::defs())
        .chain(jaq_json::defs())
        .filter(|definition| !LEFT_OUT.contains(&definition.name))
        .chain(prelude.expect("the prelude is well-formed"))
}

/// Everything that is written in Rust.
pub fn natives() -> impl Iterator<Item = Fun<Kind>> {
    let ours = [values(), text::natives(), regex::natives(), math::natives(), dates::natives()];
    jaq_core::funs()
        .chain(jaq_std::base_funs())
        .chain(jaq_json::funs().filter(|(name, ..)| *name != "tojson"))
        .chain(input::funs::<Kind>().into_vec().into_iter().map(run::<Kind>))
        .chain(ours.into_iter().flat_map(<[Native]>::into_vec).map(run::<Kind>))
}

fn values() -> Box<[Native]> {
    Box::new([
        ("tojson", v(0), |cv| bome(Ok(to_json(&cv.1)))),
        ("delete_paths", v(1), |cv| unary(cv, delete_paths)),
        ("env", v(0), |_| bome(Ok(environment()))),
        ("now", v(0), |_| bome(Ok(Val::from(time::wall_clock().as_secs_f64())))),
        ("tell", v(0), |cv| {
            if let Val::TStr(text) = &cv.1 {
                // In an image the stream cannot fail; elsewhere there is nobody to tell.
                let _ = stderr().write_all(&text[..]);
            }
            Box::new(iter::empty())
        }),
    ])
}

/// The environment as an object.
pub fn environment() -> Val {
    let string = |bytes: &[u8]| Val::from(String::from_utf8_lossy(bytes).into_owned());
    let variables = env::vars_bytes().map(|(name, value)| (string(name), string(value)));
    Val::from_map(variables).unwrap_or_default()
}

fn to_json(value: &Val) -> Val {
    let mut text = Vec::new();
    Format::compact().write(value, &mut text);
    Val::utf8_str(text)
}

/// Deletes the longest and last paths first, so that the others still mean the same.
fn delete_paths(mut value: Val, paths: Val) -> ValR<Val> {
    let Val::Arr(mut paths) = paths else {
        return Err(Error::str("Paths must be specified as an array"));
    };
    let paths = Rc::make_mut(&mut paths);
    paths.sort();
    paths.dedup();
    for path in paths.iter().rev() {
        let Val::Arr(path) = path else {
            return Err(Error::str("Path must be specified as an array"));
        };
        value = delete_path(value, path)?;
    }
    Ok(value)
}

fn delete_path(value: Val, path: &[Val]) -> ValR<Val> {
    let Some((first, rest)) = path.split_first() else { return Ok(Val::Null) };
    match (value, first) {
        (Val::Null, _) => Ok(Val::Null),
        (Val::Obj(mut fields), key) => {
            if let Some(field) = Rc::make_mut(&mut fields).get_mut(key)
                && !rest.is_empty()
            {
                *field = delete_path(core::mem::take(field), rest)?;
            } else {
                Rc::make_mut(&mut fields).shift_remove(key);
            }
            Ok(Val::Obj(fields))
        }
        (Val::Arr(mut items), Val::Num(Num::Int(index))) => {
            let length = items.len() as isize;
            let index = if *index < 0 { index + length } else { *index };
            if (0..length).contains(&index) {
                let items = Rc::make_mut(&mut items);
                let item = &mut items[index as usize];
                if rest.is_empty() {
                    items.remove(index as usize);
                } else {
                    *item = delete_path(core::mem::take(item), rest)?;
                }
            }
            Ok(Val::Arr(items))
        }
        (value @ Val::Arr(_), Val::Obj(bounds)) if rest.is_empty() => {
            let bound = |name: &str| bounds.get(&Val::from(String::from(name)));
            let kept = |range| value.clone().range(range);
            let before = match bound("start") {
                None | Some(Val::Null) => Val::Arr(Rc::default()),
                start => kept(None..start)?,
            };
            let after = match bound("end") {
                None | Some(Val::Null) => Val::Arr(Rc::default()),
                end => kept(end..None)?,
            };
            before + after
        }
        (value, key) => Err(Error::str(alloc::format!("Cannot delete field {key} of {value}"))),
    }
}
