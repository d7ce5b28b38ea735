//! The program: reads the command line, calls a command, ends with its status.

use std::process::ExitCode;

fn main() -> ExitCode {
    littoral::cli::main()
}
