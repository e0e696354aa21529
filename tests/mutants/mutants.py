"""Mutants of the C sources: small faults planted one by one, each of which some test should find (README.md)."""

import argparse
import concurrent.futures
import contextlib
import hashlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SLOWEST = 40 * 60  # seconds for the tests of one mutant, whatever they took without it
TRIES = 12  # mutants of a line that need not compile, before the next line's turn
LEAKS = "-fsanitize=leak -DBITDIAL_LEAKS"  # costs next to nothing, and finds what is never freed
MEMORY = 6000  # megabytes for a test: a mutant may ask for any size


class Bad(Exception):
    """Bad input: exit code 2."""


class Broken(Exception):
    """The surroundings fail: exit code 3."""


class NoLink(Broken):
    """The programs do not link."""

    def __init__(self, log):
        super().__init__(f"the programs do not link: see {log}")


# ---- records: a mutant, or what became of one ----


class Mutant:
    """One line of a file replaced by `after`, which may be more lines."""

    def __init__(self, path, line, before, after):
        self.path, self.line, self.before, self.after = path, line, before, after

    def key(self):
        return self.path, self.before.strip(), tuple(text.strip() for text in self.after)

    def show(self):
        return "".join([f"- {self.before.strip()}\n"] + [f"+ {text.strip()}\n" for text in self.after])


def read_records(path):
    """Blocks of `HEAD`, `- line`, `+ line`...; '#' begins a comment. Yields (head, before, after, line of the head)."""
    head, before, after, at = None, None, [], 0
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n") + [""]
    for number, text in enumerate(lines, 1):
        if text.startswith("#"):
            continue
        if not text.strip():
            if head is not None:
                if before is None or not after:
                    raise Bad(f"{path}:{at}: a record is a head, a line '- before' and a line '+ after'")
                yield head, before, after, at
            head, before, after = None, None, []
        elif head is None:
            head, at = text, number
        elif text.startswith("- ") and before is None:
            before = text[2:]
        elif (text.startswith("+ ") or text == "+") and before is not None:
            after.append(text[2:])
        elif before is None:
            head += " " + text.strip()
        else:
            raise Bad(f"{path}:{number}: expected '+ ', got '{text}'")


def read_judged(path):
    """Verdict and reason of survivors, by the mutant's key. Heads are `FILE VERDICT: REASON`."""
    judged = {}
    if not os.path.exists(path):
        return judged
    for head, before, after, at in read_records(path):
        words = head.split(" ", 2)
        if len(words) < 3 or words[1] not in ("equivalent:", "accepted:"):
            raise Bad(f"{path}:{at}: a head is 'FILE equivalent: REASON' or 'FILE accepted: REASON', got '{head}'")
        judged[Mutant(words[0], 0, before, after).key()] = (words[1][:-1], words[2])
    return judged


def read_modules(path):
    """Folders with the tests of each, quickest first: `FOLDER: TEST...`; a test is a Criterion filter or a script."""
    modules = {}
    with open(path, encoding="utf-8") as file:
        for number, text in enumerate(file, 1):
            text = text.split("#")[0].strip()
            if not text:
                continue
            folder, colon, tests = text.partition(":")
            if not colon or not tests.split():
                raise Bad(f"{path}:{number}: expected 'FOLDER: TEST...', got '{text}'")
            modules[folder.strip()] = tests.split()
    return modules


# ---- choosing ----


def sources(modules, only):
    """The C files of the modules, sorted."""
    found = []
    for folder in modules:
        found += [f"{folder}/{name}" for name in sorted(os.listdir(folder)) if name.endswith(".c")]
    if only:
        only = os.path.relpath(only)
        if only not in found:
            raise Bad(f"'{only}' is in no folder of modules.txt")
        found = [only]
    return found


def mutants_of(path):
    """The mutants that universalmutator's rules for C make of a file, by line."""
    from universalmutator import mutator

    with open(path, encoding="utf-8") as file:
        text = file.readlines()
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        made = mutator.mutants_regexp(
            text, ruleFiles=["universal.rules", "c.rules", "c_like.rules"], ignorePatterns=[], ignoreStringOnly=True
        )
    lines = {}
    for made_mutant in made:
        line, after, used = made_mutant[0], made_mutant[1], made_mutant[2][0]
        if used.startswith('".+"'):
            continue  # a text of a message
        before = text[line - 1].rstrip("\n")
        lines.setdefault(line, []).append(Mutant(path, line, before, after.rstrip("\n").split("\n")))
    return [lines[line] for line in sorted(lines)]


def choose(files, count, seed):
    """Systematic sampling: all lines that have mutants in a row, `count` places at equal distances from a start drawn
    by the seed. Yields the candidates of each place, in the order in which they are tried."""
    draw = random.Random(seed)
    row = [line for path in files for line in mutants_of(path)]
    if not row:
        raise Bad("there is nothing to mutate")
    count = min(count, len(row))
    start = draw.random()
    for i in range(count):
        begin, end = int((i + start) * len(row) / count), int((i + 1 + start) * len(row) / count)
        candidates = []
        for at in range(begin, end):
            line = list(row[at % len(row)])
            draw.shuffle(line)
            candidates += line[:TRIES]
        yield candidates


# ---- running ----


def processes_of(session):
    """Ids of the processes of a session."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                if os.getsid(int(name)) == session:
                    yield int(name)


def plain_environment(**more):
    """Without what a make above would tell the one below."""
    return {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")} | more


def run(command, cwd, log, seconds, env=None):
    """Exit code of a command in a session of its own, of which nothing is left running; None: out of time."""

    def limit():
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 30, 4 << 30))

    with open(log, "ab") as out:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=env or plain_environment(),
            start_new_session=True,
            preexec_fn=limit if env else None,
        )
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            for _ in range(20):
                left = list(processes_of(process.pid))
                for pid in left:
                    with contextlib.suppress(OSError):
                        os.kill(pid, signal.SIGKILL)
                process.poll()
                if not left:
                    break
                time.sleep(0.05)


class Tree:
    """A copy of the sources with a build of its own, in which one file at a time is a mutant."""

    def __init__(self, folder, make, modules, least):
        self.folder, self.make, self.modules, self.least = folder, make, modules, least
        self.log = f"{folder}.log"
        self.commands = {}
        self.seconds, self.completed = {}, {}  # by test, as it ran without mutants

    def take_sources(self):
        """Copies what differs, so that a build that stands stays as good as it can."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], capture_output=True, check=False
        )
        if listed.returncode:
            raise Broken("git ls-files failed: " + listed.stderr.decode().strip())
        kept = {name for name in listed.stdout.decode().split("\0") if name and os.path.isfile(name)}
        for base, folders, names in os.walk(self.folder):
            folders[:] = [f for f in folders if os.path.join(base, f) != os.path.join(self.folder, "build")]
            for name in names:
                path = os.path.join(base, name)
                if os.path.relpath(path, self.folder) not in kept:
                    os.remove(path)
        for name in sorted(kept):
            to = os.path.join(self.folder, name)
            os.makedirs(os.path.dirname(to), exist_ok=True)
            with open(name, "rb") as file:
                data = file.read()
            if os.path.exists(to):
                with open(to, "rb") as file:
                    if file.read() == data:
                        continue
            shutil.copy(name, to)

    def build(self, *targets, seconds=1200):
        return run(["make", "-s", *self.make, *targets], self.folder, self.log, seconds)

    def prepare(self):
        self.take_sources()
        targets = ["build/tests"]
        if any(test.endswith(".sh") for tests in self.modules.values() for test in tests):
            targets += ["all", "platform", "build/sample"]
        if self.build(*targets, seconds=3600) != 0:
            raise Broken(f"the sources do not build: see {self.log}")

    def compiles(self, path, made):
        """Compiles one file, by the command that make would give; make itself takes longer than most files do."""
        if made not in self.commands:
            shown = subprocess.run(
                ["make", "-ns", *self.make, "-W", path, made], cwd=self.folder, capture_output=True, env=plain_environment()
            )
            if shown.returncode:
                raise Broken(f"make -n {made} failed: " + shown.stderr.decode().strip())
            self.commands[made] = shown.stdout.decode()
        return run(["sh", "-ec", self.commands[made]], self.folder, self.log, 300) == 0

    def code_of(self, path):
        """What the compiler made of a file, without what debuggers read."""
        bare = f"{self.folder}.o"
        made = os.path.join(self.folder, "build/obj", path[:-2] + ".o")
        subprocess.run(["objcopy", "--strip-debug", made, bare], check=True)
        with open(bare, "rb") as file:
            return file.read()

    def environment(self, seconds):
        self.room = tempfile.TemporaryDirectory(prefix="mutants-")  # outside of the tree, as where tests run else
        return plain_environment(
            BITDIAL_BUILD="build",
            BITDIAL_TEST_SECONDS=str(int(seconds)),
            BITDIAL_COMPLETED=os.path.join(self.room.name, "completed"),
            OMP_WAIT_POLICY="passive",
            LC_ALL="C",
            LSAN_OPTIONS=f"suppressions={self.folder}/tests/support/lsan.supp:print_suppressions=0:hard_rss_limit_mb={MEMORY}",
            TMPDIR=self.room.name,
        )

    def passes(self, test, seconds):
        """Whether a test passes within the time, with all that it completed without mutants."""
        if test.endswith(".sh"):
            if self.build("all", "build/sample") != 0:
                raise NoLink(self.log)
            command = ["bash", test]
        else:
            if self.build("build/tests") != 0:
                raise NoLink(self.log)
            command = ["build/tests", "--fail-fast", "--filter", test]
        env = self.environment(seconds)
        start = time.monotonic()
        code = run(command, self.folder, self.log, seconds, env)
        self.took = time.monotonic() - start
        completed = set()
        with contextlib.suppress(OSError), open(env["BITDIAL_COMPLETED"], encoding="utf-8") as file:
            completed = {line.split()[0] for line in file if line.strip()}
        self.done = completed
        self.room.cleanup()
        if code is None:
            return "out of time"
        if code != 0 or not completed >= self.completed.get(test, set()):
            return "failed"
        return None

    def measure(self):
        """Every test once without mutants; it must pass."""
        for test in dict.fromkeys(test for tests in self.modules.values() for test in tests):
            if self.passes(test, SLOWEST):
                raise Broken(f"'{test}' fails without any mutant: see {self.log}")
            if not test.endswith(".sh") and not self.done:
                raise Broken(f"'{test}' of modules.txt selects no test")
            self.seconds[test], self.completed[test] = self.took, self.done
            print(f"  without mutants: {test}: {self.took:.1f} s", flush=True)

    def try_mutant(self, mutant, original):
        """One of invalid, same, killed, survived; and by which test."""
        path = os.path.join(self.folder, mutant.path)
        made = os.path.join(self.folder, "build/obj", mutant.path[:-2] + ".o")
        lines = original.split("\n")
        lines[mutant.line - 1 : mutant.line] = mutant.after
        shutil.copy2(path, f"{self.folder}.c")
        shutil.copy2(made, f"{self.folder}.kept")
        code = self.code_of(mutant.path)
        try:
            with open(path, "w", encoding="utf-8") as file:
                file.write("\n".join(lines))
            if not self.compiles(mutant.path, os.path.relpath(made, self.folder)):
                return "invalid", "does not compile"
            if self.code_of(mutant.path) == code:
                return "same", "the same object code"
            for test in self.modules[os.path.dirname(mutant.path)]:
                why = self.passes(test, min(SLOWEST, self.least + 8 * self.seconds[test]))
                if why:
                    return "killed", f"{test} {why}"
            return "survived", "every test passed"
        except NoLink:
            return "invalid", "does not link"
        finally:
            shutil.copy2(f"{self.folder}.c", path)  # older than its object, which is newer than the library
            shutil.copy(f"{self.folder}.kept", made)


# ---- results ----


class Results:
    """A file of records `OUTCOME FILE:LINE place P: WHY`; the last of a mutant counts."""

    def __init__(self, path, mark):
        self.path, self.lock = path, threading.Lock()
        self.outcome, self.places = {}, set()
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                began = file.readline()
            if mark and began != mark:
                raise Bad(
                    f"'{path}' was begun with other sources or options: --again runs its survivors on today's "
                    "sources, --restart begins anew"
                )
            for head, before, after, at in read_records(path):
                words = head.split(" ", 4)
                if len(words) < 5 or words[2] != "place" or ":" not in words[1]:
                    raise Bad(f"{path}:{at}: not a result: '{head}'")
                name, _, line = words[1].rpartition(":")
                mutant = Mutant(name, int(line), before, after)
                self.outcome[mutant.key()] = (words[0], mutant, words[3].rstrip(":"), words[4])
                if words[0] in ("killed", "survived"):
                    self.places.add(words[3].rstrip(":"))
        elif mark:
            with open(path, "w", encoding="utf-8") as file:
                file.write(mark + "\n")
        else:
            raise Bad(f"'{path}' does not exist: there are no results yet")

    def add(self, outcome, mutant, place, why):
        with self.lock:
            self.outcome[mutant.key()] = (outcome, mutant, place, why)
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(f"{outcome} {mutant.path}:{mutant.line} place {place}: {why}\n{mutant.show()}\n")
            if outcome in ("killed", "survived"):
                found = [o[0] for o in self.outcome.values()]
                print(
                    f"{found.count('killed')} killed, {found.count('survived')} survived: "
                    f"{mutant.path}:{mutant.line} {outcome}: {why}",
                    flush=True,
                )


def report(results, judged):
    """Prints the survivors and the sums; returns how many survivors nobody has judged."""
    counts, unjudged = {}, 0
    for outcome, mutant, _, _ in sorted(results.outcome.values(), key=lambda item: (item[1].path, item[1].line)):
        counts[outcome] = counts.get(outcome, 0) + 1
        if outcome == "survived":
            verdict, reason = judged.get(mutant.key(), ("not judged", ""))
            counts[verdict] = counts.get(verdict, 0) + 1
            unjudged += verdict == "not judged"
            print(f"\n{mutant.path}:{mutant.line}: survived, {verdict}" + (f": {reason}" if reason else ""))
            print(mutant.show(), end="")
    killed, survived = counts.get("killed", 0), counts.get("survived", 0)
    share = 100 * killed / (killed + survived) if killed + survived else 0
    print(
        f"\n{killed + survived} mutants: {killed} killed ({share:.1f} %), {survived} survived: "
        f"{counts.get('equivalent', 0)} equivalent, {counts.get('accepted', 0)} accepted, {unjudged} not judged; "
        f"not counted: {counts.get('invalid', 0)} did not compile, {counts.get('same', 0)} made the same object code"
        + (f", {counts['gone']} of lines that are gone" if counts.get("gone") else "")
    )
    return unjudged


def place_in(tree, mutant):
    """The mutant where its line stands today, nearest to where it stood, and the file; None where the line is gone."""
    path = os.path.join(tree.folder, mutant.path)
    if not os.path.exists(path):
        return None, None
    with open(path, encoding="utf-8") as file:
        original = file.read()
    lines = original.split("\n")
    at = [i + 1 for i, text in enumerate(lines) if text.strip() == mutant.before.strip()]
    if not at:
        return None, None
    line = min(at, key=lambda i: abs(i - mutant.line))
    return Mutant(mutant.path, line, lines[line - 1], mutant.after), original


def run_place(tree, place, candidates, results):
    """Tries a place's candidates until one counts."""
    for candidate in candidates:
        mutant, original = place_in(tree, candidate)
        if not mutant:
            results.add("gone", candidate, place, "its line is gone")
            return
        outcome, why = tree.try_mutant(mutant, original)
        results.add(outcome, mutant, place, why)
        if outcome in ("killed", "survived"):
            return


def options():
    parser = argparse.ArgumentParser(
        prog="mutants.sh",
        description="Plants small faults into the C sources, one by one, and counts those that tests find.",
        epilog="Exit codes: 0 every survivor is judged in judged.txt, 1 one is not, 2 bad input, 3 infrastructure.",
    )
    parser.add_argument("-n", type=int, default=150, metavar="N", help="mutants (default 150)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="which ones (default 1)")
    parser.add_argument("-k", metavar="FILE", help="of this source alone")
    parser.add_argument("--jobs", type=int, default=1, metavar="J", help="copies of the tree at work (default 1)")
    parser.add_argument(
        "--seconds", type=int, default=30, metavar="T", help="a test hangs after T and 8 times what it took (default 30)"
    )
    parser.add_argument("--cc", default="gcc", metavar="CC", help="the compiler, as for make CC=...")
    parser.add_argument("--no-leaks", action="store_true", help="without the leak sanitizer")
    parser.add_argument("--again", action="store_true", help="run the survivors again, on the sources as they are now")
    parser.add_argument("--restart", action="store_true", help="forget the results so far")
    parser.add_argument("--report", action="store_true", help="run nothing; print the results so far")
    parser.add_argument("--from", dest="given", metavar="FILE", help="mutants of this file instead of drawn ones")
    parser.add_argument("--modules", default=os.path.join(HERE, "modules.txt"), metavar="FILE", help="tests by folder")
    parser.add_argument("--judged", default=os.path.join(HERE, "judged.txt"), metavar="FILE", help="survivors judged")
    parser.add_argument("--work", default="build/mutants", metavar="FOLDER", help="copies and results")
    chosen = parser.parse_args()
    if chosen.n < 1 or chosen.jobs < 1:
        parser.error("-n and --jobs must be at least 1")
    return chosen


def work_list(o, modules, results):
    """Pairs of a place's name and its candidates."""
    if o.again:
        survivors = [r for r in results.outcome.values() if r[0] == "survived"]
        return [(place, [mutant]) for _, mutant, place, _ in survivors]
    if o.given:
        given = [Mutant(*head.rsplit(":", 1), before, after) for head, before, after, _ in read_records(o.given)]
        for mutant in given:
            if not mutant.line.isdigit() or os.path.dirname(mutant.path) not in modules:
                raise Bad(f"{o.given}: a head is 'FILE:LINE' of a folder of modules.txt, got '{mutant.path}'")
            mutant.line = int(mutant.line)
        places = [(str(i), [mutant]) for i, mutant in enumerate(given)]
    else:
        places = [(str(i), c) for i, c in enumerate(choose(sources(modules, o.k), o.n, o.seed))]
    useless = {key for key, result in results.outcome.items() if result[0] in ("invalid", "same")}
    left = [(p, [c for c in cs if c.key() not in useless]) for p, cs in places if p not in results.places]
    return [(place, candidates) for place, candidates in left if candidates]


def mark_of(o, modules):
    """The first line of a results file: what its mutants depend on."""
    digest = hashlib.sha256()
    for path in sources(modules, o.k) + ([o.given] if o.given else []):
        with open(path, "rb") as file:
            digest.update(path.encode() + file.read())
    return f"# {o.n} mutants, seed {o.seed}, sources {digest.hexdigest()[:16]}\n"


def main():
    o = options()
    modules, judged = read_modules(o.modules), read_judged(o.judged)
    os.makedirs(o.work, exist_ok=True)
    name = "given" if o.given else f"seed-{o.seed}" + ("-" + o.k.replace("/", "-") if o.k else "")
    path = os.path.join(o.work, f"{name}.txt")
    if o.restart and os.path.exists(path):
        os.remove(path)
    results = Results(path, None if o.again or o.report else mark_of(o, modules))
    todo = [] if o.report else work_list(o, modules, results)
    print(f"seed {o.seed}, results in {path}: {len(todo)} places to do", flush=True)
    if todo:
        concerned = {os.path.dirname(c.path) for _, candidates in todo for c in candidates}
        wanted = {folder: tests for folder, tests in modules.items() if folder in concerned}
        make = ["CC=" + o.cc + ("" if o.no_leaks else " " + LEAKS)]
        trees = [
            Tree(os.path.abspath(os.path.join(o.work, f"tree-{j}")), make, wanted, o.seconds)
            for j in range(o.jobs)
        ]
        for tree in trees:
            tree.prepare()
        trees[0].measure()
        free = []
        for tree in trees:
            tree.seconds, tree.completed = trees[0].seconds, trees[0].completed
            free.append(tree)

        def one(item):
            tree = free.pop()
            try:
                run_place(tree, *item, results)
            finally:
                free.append(tree)

        with concurrent.futures.ThreadPoolExecutor(o.jobs) as pool:
            list(pool.map(one, todo))
    return 1 if report(results, judged) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Bad as bad:
        print(f"mutants.sh: {bad}", file=sys.stderr)
        sys.exit(2)
    except (Broken, OSError, ImportError, subprocess.SubprocessError) as broken:
        print(f"mutants.sh: {broken}", file=sys.stderr)
        sys.exit(3)
