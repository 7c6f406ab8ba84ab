//! Compiling a filter, and running it on every input.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{boxed::Box, format};

use ampoule::{Error, Result, eprintln, io};
use jaq_core::data::HasLut;
use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, DataT, Exn, Filter, Lut, ValT as _, Vars, compile, load};
use jaq_json::Val;
use jaq_std::input::{HasInputs, Inputs as SharedInputs, RcIter};

use crate::options::Options;
use crate::{exit, functions, rewrite};

/// The types that filters run with.
pub struct Kind;

impl DataT for Kind {
    type V<'a> = Val;
    type Data<'a> = &'a Data<'a>;
}

/// What native functions can reach.
pub struct Data<'a> {
    lut: &'a Lut<Kind>,
    inputs: SharedInputs<'a, Val>,
}

impl<'a> HasLut<'a, Kind> for &'a Data<'a> {
    fn lut(&self) -> &'a Lut<Kind> {
        self.lut
    }
}

impl<'a> HasInputs<'a, Val> for &'a Data<'a> {
    fn inputs(&self) -> SharedInputs<'a, Val> {
        self.inputs
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With the last input.
    Finished,
    /// With the last input, on which the filter failed.
    Failed,
    /// At input that is not JSON.
    BadInput,
    /// By `halt` or its kin.
    Halted(u8),
}

/// A filter that can be run.
pub struct Compiled {
    filter: Filter<Kind>,
    variables: Vec<Val>,
    null_input: bool,
}

impl Compiled {
    /// Compiles the filter of the arguments.
    pub fn new(options: &Options) -> Result<Self> {
        let (names, variables) = variables(options)?;
        let code = rewrite::with_formats(&options.filter);
        let arena = Arena::default();
        let modules = Loader::new(functions::definitions())
            .load(&arena, File { path: (), code: &code })
            .map_err(|errors| compile_error(&code, &load_problems(&errors)))?;
        let filter = Compiler::default()
            .with_funs(functions::natives())
            .with_global_vars(names.iter().map(String::as_str))
            .compile(modules)
            .map_err(|errors| compile_error(&code, &compile_problems(&errors)))?;
        Ok(Self { filter, variables, null_input: options.feed.nothing })
    }

    /// Runs the filter on the inputs, and gives every output to `each`. What goes wrong with an
    /// input is told on STDERR; then the next one follows, as in jq.
    pub fn run(
        &self,
        inputs: impl Iterator<Item = Result<Val, String>>,
        mut each: impl FnMut(&Val) -> Result<(), io::Error>,
    ) -> Result<Ending> {
        let inputs: Box<dyn Iterator<Item = _> + '_> = Box::new(inputs);
        let inputs = RcIter::new(inputs);
        let data = Data { lut: &self.filter.lut, inputs: &inputs };
        let mains: Box<dyn Iterator<Item = _>> = match self.null_input {
            true => Box::new(core::iter::once(Ok(Val::Null))),
            false => Box::new(&inputs),
        };
        let mut ending = Ending::Finished;
        for input in mains {
            let input = match input {
                Ok(input) => input,
                Err(problem) => {
                    eprintln!("jq: parse error: {problem}");
                    return Ok(Ending::BadInput);
                }
            };
            ending = Ending::Finished;
            let context = Ctx::<Kind>::new(&data, Vars::new(self.variables.iter().cloned()));
            for output in self.filter.id.run((context, input)) {
                match output {
                    Ok(value) => each(&value)?,
                    Err(exception) => {
                        ending = report(exception);
                        break;
                    }
                }
            }
            if matches!(ending, Ending::Halted(_)) {
                break;
            }
        }
        Ok(ending)
    }
}

fn variables(options: &Options) -> Result<(Vec<String>, Vec<Val>)> {
    let key = |name: &str| Val::from(name.to_string());
    let named = options.variables.iter().map(|(name, value)| (key(name), value.clone()));
    let no_values = [Val::from_map(named), Ok(core::iter::empty().collect())];
    let [named, positional] = no_values.map(Result::unwrap_or_default);
    let arguments = Val::from_map([(key("positional"), positional), (key("named"), named)]);
    let mut names = Vec::from(["$ENV".to_string(), "$ARGS".to_string()]);
    let mut values = Vec::from([functions::environment(), arguments.unwrap_or_default()]);
    for (name, value) in &options.variables {
        names.push(format!("${name}"));
        values.push(value.clone());
    }
    Ok((names, values))
}

fn report(exception: Exn<'_, Val>) -> Ending {
    match exception.get_err() {
        Ok(error) => {
            match error.into_val() {
                Val::TStr(text) => eprintln!("jq: error: {}", String::from_utf8_lossy(&text)),
                value => eprintln!("jq: error (not a string): {value}"),
            }
            Ending::Failed
        }
        Err(exception) => match exception.get_halt() {
            Ok(status) => Ending::Halted(status as u8),
            Err(_) => Ending::Failed,
        },
    }
}

type Problem<'a> = (String, &'a str);

fn load_problems<'a>(errors: &load::Errors<&'a str, ()>) -> Vec<Problem<'a>> {
    let mut problems = Vec::new();
    for (_, error) in errors {
        match error {
            load::Error::Io(missing) => {
                problems.extend(missing.iter().map(|(at, problem)| (problem.clone(), *at)));
            }
            load::Error::Lex(found) => {
                problems.extend(found.iter().map(|(wanted, at)| (expected(wanted.as_str()), *at)));
            }
            load::Error::Parse(found) => {
                problems.extend(found.iter().map(|(wanted, at)| (expected(wanted.as_str()), *at)));
            }
        }
    }
    problems
}

fn compile_problems<'a>(errors: &compile::Errors<&'a str, ()>) -> Vec<Problem<'a>> {
    let undefined = |(name, kind): &(&'a str, compile::Undefined)| {
        (format!("{} {name} is not defined", kind.as_str()), *name)
    };
    errors.iter().flat_map(|(_, errors)| errors.iter().map(undefined)).collect()
}

fn expected(what: &str) -> String {
    format!("syntax error, expected {what}")
}

/// The first problem, and where it is; only that, as the others mostly follow from it.
fn compile_error(code: &str, problems: &[Problem<'_>]) -> Error {
    let Some((problem, at)) = problems.first() else {
        return Error::new(exit::COMPILE, "the filter does not compile");
    };
    let here = code.as_bytes().as_ptr_range();
    let rest = if here.contains(&at.as_ptr()) { &code[load::span(code, at).start..] } else { "" };
    let rest = rest.lines().next().unwrap_or_default();
    let place = match rest {
        "" => "at its end".to_string(),
        rest => format!("at `{rest}`"),
    };
    Error::new(exit::COMPILE, format_args!("compile error: {problem} {place}"))
}
