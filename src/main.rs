//! Uppsikt's command line: arguments → configuration → command → exit code. The only file that prints.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use uppsikt::cli::args::Arguments;
use uppsikt::cli::{self, Outcome};

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        let _ = writeln!(std::io::stderr(), "{}", uppsikt::panics::told(panic));
    }));
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are results; a wrong argument is not: clap knows where each goes.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let mut out = std::io::BufWriter::new(std::io::stdout());
    let result = cli::run(arguments, &mut out);
    let flushed = out.flush();
    match result {
        Ok(Outcome::Done) if flushed.is_ok() => ExitCode::SUCCESS,
        Ok(Outcome::Faults) => ExitCode::from(1),
        // The reader went away (`| head`): nothing is wrong that anybody could mend.
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Err(error) => {
            let broken = error.chain().any(|cause| {
                cause
                    .downcast_ref::<std::io::Error>()
                    .is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
            });
            if !broken {
                let _ = writeln!(std::io::stderr(), "uppsikt: {error:#}");
            }
            ExitCode::from(if broken { 0 } else { 2 })
        }
    }
}
