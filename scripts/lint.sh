#!/usr/bin/env bash
# House rules that the compiler doesn't know. Prints every breach with its place.
set -uo pipefail
cd "$(dirname "$0")/.."
failed=0
rule() {
    local why="$1" pattern="$2"
    shift 2
    local found
    found=$(grep -rnE "$pattern" "$@" --include='*.swift' 2>/dev/null)
    [ -z "$found" ] && return
    echo "$found"
    echo "  -> $why"
    failed=1
}
rule "let the compiler prove it" '@unchecked Sendable' Sources
rule "throw an error that says what to do" 'try!|fatalError\(' Sources
rule "finish it, or write an issue" 'TODO|FIXME|XXX' Sources Tests
rule "a step takes the time from the run" 'Date\(\)' Sources/ELTCore Sources/ELTExtract Sources/ELTLoad Sources/ELTTransform Sources/ELTSQLite Sources/ELTArchive
rule "steps don't know adapters" '^import (ELTArchive|ELTSources|ELTSQLite|Kafka|HTTP|SQLite)$' Sources/ELTCore Sources/ELTExtract Sources/ELTLoad Sources/ELTTransform Sources/ELTRun
rule "adapters don't know steps" '^import (ELTExtract|ELTLoad|ELTTransform|ELTRun)$' Sources/ELTArchive Sources/ELTSources Sources/ELTSQLite
long=$(find Sources -name '*.swift' -exec awk 'FNR == 1 { n = 0 } { n++ } END { if (n > 500) print FILENAME ": " n " lines" }' {} \;)
[ -n "$long" ] && echo "$long" && echo "  -> a file with a second title wants a second file" && failed=1
[ "$failed" = 0 ] && echo "lint: nothing found"
exit "$failed"
