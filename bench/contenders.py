"""Who is measured: the program itself and the two hand-written peers. Each knows its commands and its warehouse."""
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

PROJECT = """name: bench
timezone: UTC
warehouse: {{ path: warehouse/elt.db }}
archive: {{ path: archive, compression: zstd }}
models: models
kafka:
  bootstrap.servers: {broker}
  # The broker of the bench answers a fetch with the whole rest of a partition.
  receive.message.max.bytes: 1000000000
entities:
  customer:
    key: id
    record: customer
    event_time: event_time
    topics:
      create: {topics}-create
      update: {topics}-update
      delete: {{ name: {topics}-delete, mode: deactivate }}
    columns:
      - {{ name: id, type: text, test: [not_null, unique] }}
      - {{ name: created_at, type: timestamp }}
      - {{ name: updated_at, type: timestamp }}
      - {{ name: version, type: integer }}
    full_load:
      url: ${{BENCH_PAGES:-http://127.0.0.1:1/}}
      records: items
      pagination: {{ kind: page, page_param: page, size_param: size, size: {size}, total: total }}
      parallel: 4
      absent: keep
"""


class Elt:
    warehouse = "warehouse/elt.db"

    def __init__(self, program, storage="days"):
        self.program, self.storage = program, storage
        self.name = "elt" if storage == "days" else f"elt+{storage}"

    def prepare(self, project, place):
        subprocess.run([self.program, "init", str(project)], check=True, stdout=subprocess.DEVNULL)
        (project / "elt.yml").write_text(PROJECT.format(broker=place.broker, topics=place.topics, size=place.page_size))
        if self.storage != "days":
            model = project / "models" / "customer_history.sql"
            model.write_text(model.read_text().replace("partition_by='day',", f"partition_by='day', storage='{self.storage}',"))

    def command(self, command, project, at, place):
        words = ["rebuild", "--from-archive"] if command == "rebuild" else [command]
        return [self.program, *words, "-C", str(project), "--at", at, "--json", "--quiet"]


class Peer:
    def __init__(self, name, script, warehouse):
        self.name, self.script, self.warehouse = name, HERE / "peers" / script, warehouse

    def prepare(self, project, place):
        project.mkdir(parents=True)

    def command(self, command, project, at, place):
        return [sys.executable, str(self.script), command, str(project), "--at", at, "--broker", place.broker,
                "--topics", place.topics, "--listing", str(place.listing)]


def contenders(program):
    return [Elt(program), Elt(program, "intervals"), Peer("python+sqlite", "python_sqlite.py", "warehouse.db"),
            Peer("python+duckdb", "python_duckdb.py", "warehouse.duckdb")]


def report(output):
    """What a contender printed, or nothing."""
    try:
        return json.loads(output)
    except ValueError:
        return {}
