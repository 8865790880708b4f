"""Results as tables in Markdown that are also fit to read in a terminal."""
import statistics

from workloads import DUCKDB, SQLITE


def aligned(head, rows):
    """A table; columns of numbers stand to the right."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    right = [all(row[i][:1] in "0123456789-–<>" or not row[i] for row in rows) and bool(rows) for i in range(len(head))]
    line = lambda cells: "| " + " | ".join(
        cell.rjust(width) if is_right else cell.ljust(width) for cell, width, is_right in zip(cells, widths, right)) + " |"
    rule = "|" + "|".join("-" * (w + 1) + (":" if r else "-") for w, r in zip(widths, right)) + "|"
    return "\n".join([line(head), rule, *map(line, rows)])


def median(result, what="wall"):
    return statistics.median(run[what] for run in result.runs)


def seconds(value):
    return f"{value:.3f}" if value < 10 else f"{value:.2f}"


def find(results, workload, contender):
    return next((r for r in results if r.workload == workload and r.contender == contender), None)


def mark(result, results):
    """The marks of elt in this workload, and whether it keeps them."""
    said = []
    for contender, workload, share in result.step.marks:
        peer = find(results, workload, contender)
        if peer:
            most = median(peer) * share
            kept = "yes" if median(result) <= most else "NO"
            of = f" in {workload}" if workload != result.workload else ""
            said.append(f"<= {share:.2f} of {contender}{of} ({seconds(most)} s): {kept}")
    if result.step.seconds:
        said.append(f"<= {result.step.seconds} s: {'yes' if median(result) <= result.step.seconds else 'NO'}")
    if result.step.memory:
        said.append(f"<= {result.step.memory:.0f} MiB: {'yes' if max(r['memory'] for r in result.runs) <= result.step.memory else 'NO'}")
    return said


def sections(results, verdicts):
    if not results:
        return []
    parts = [main_table([r for r in results if r.workload != "W6"], results, verdicts), steps_table(results), peers_steps(results), grid_table(results)]
    return [part for part in parts if part]


def main_table(shown, results, verdicts):
    rows = []
    for result in shown:
        walls = [run["wall"] for run in result.runs]
        ratios = []
        for name in (SQLITE, DUCKDB):
            peer = find(results, result.workload, name)
            ratios.append(f"{median(result) / median(peer):.2f}" if peer and result.contender == "elt" else "")
        rows.append([
            result.workload, result.contender, seconds(median(result)), f"{seconds(min(walls))}–{seconds(max(walls))}", len(walls),
            f"{result.events / median(result):,.0f}" if result.events else "", f"{max(r['memory'] for r in result.runs):.0f}",
            f"{median(result, 'cpu'):.2f}", f"{median(result, 'helpers'):.2f}", f"{max(r['others'] for r in result.runs):.0%}",
            "yes" if result.equal else "NO", *ratios])
    if not rows:
        return None
    titles = []
    for result in shown:
        if result.contender == "elt":
            said = mark(result, results) if verdicts else []
            titles.append(f"- {result.workload}: {result.title}" + (f". Marks: {'; '.join(said)}" if said else ""))
    head = ["", "", "wall s", "min–max", "n", "rows/s", "peak MiB", "CPU s", "helpers' CPU s", "others", "equal", "of sqlite", "of duckdb"]
    return "## Workloads\n\n" + "\n".join(titles) + "\n\n" + aligned(head, rows)


def steps_table(results):
    """What each step of elt takes, beside what it can't be faster than."""
    rows = []
    for result in results:
        if result.contender != "elt" or result.workload == "W6":
            continue
        whole = median(result)
        told = 0
        names = list(dict.fromkeys(name for report in result.reports for name in report.get("seconds", {}) if name != "total"))
        values = {name: statistics.median(r.get("seconds", {}).get(name, 0) for r in result.reports) for name in names}
        for name, value in sorted(values.items(), key=lambda pair: -pair[1]):
            told += value
            limit = (result.limits or {}).get(name)
            rows.append([result.workload, name, f"{value:.3f}", f"{value / whole:.0%}",
                         f"{limit[0]:.3f}" if limit else "", f"{value / limit[0]:.1f}" if limit and limit[0] else "", limit[1] if limit else ""])
        rows.append([result.workload, "(rest)", f"{max(0, whole - told):.3f}", f"{max(0, whole - told) / whole:.0%}", "", "", ""])
    if not rows:
        return None
    return "## Steps of elt and their limits\n\n" + aligned(["", "step", "s", "share", "limit s", "ratio", "the limit is"], rows)


def peers_steps(results):
    rows = []
    for result in results:
        steps = {name: statistics.median(report["seconds"].get(name, 0) for report in result.reports)
                 for report in result.reports[:1] for name in report.get("seconds", {})}
        if result.contender != "elt" and steps:
            rows.append([result.workload, result.contender, ", ".join(f"{name} {value:.2f}" for name, value in steps.items())])
    return "## Steps of the peers\n\n" + aligned(["", "", "s"], rows) if rows else None


def grid_table(results):
    shown = [r for r in results if r.workload == "W6"]
    if not shown:
        return None
    rows = [[r.title, seconds(median(r)), f"{r.events / median(r):,.0f}", f"{max(x['memory'] for x in r.runs):.0f}",
             f"{median(r, 'cpu'):.2f}", "yes" if r.equal else "NO"] for r in shown]
    return ("## W6: what an hour costs\n\n" + aligned(["", "wall s", "events/s", "peak MiB", "CPU s", "equal"], rows)
            + "\n\n```\n" + plot(shown) + "\n```")


def plot(shown, height=12):
    """Seconds over events, both logarithmic, a letter for each number of customers."""
    import math
    sizes = list(dict.fromkeys(r.chain for r in shown))
    points = [(math.log10(max(1, r.events)), math.log10(median(r)), "abcdef"[sizes.index(r.chain)]) for r in shown]
    low, high = min(p[1] for p in points), max(p[1] for p in points)
    left, right = min(p[0] for p in points), max(p[0] for p in points)
    width = 60
    cells = [[" "] * (width + 1) for _ in range(height + 1)]
    for x, y, letter in points:
        row = round((high - y) / max(high - low, 0.1) * height)
        column = round((x - left) / max(right - left, 0.1) * width)
        while column < width and cells[row][column] != " ":
            column += 1
        cells[row][column] = letter
    lines = []
    for index, line in enumerate(cells):
        value = 10 ** (high - index / height * max(high - low, 0.1))
        lines.append(f"{value:9.3f} s |" + "".join(line).rstrip())
    lines.append(" " * 12 + "+" + "-" * (width + 1))
    lines.append(" " * 13 + f"{10**left:,.0f} events".ljust(width - 8) + f"{10**right:,.0f}")
    lines.append(" " * 13 + ", ".join(f"{'abcdef'[i]}: {name.removeprefix('grid')} customers" for i, name in enumerate(sizes)))
    return "\n".join(lines)
