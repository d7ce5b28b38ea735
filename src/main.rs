//! The program: reads the command line, calls a command, ends with its status.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    littoral::cli::main()
}
