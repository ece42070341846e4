"""What the deployment files say about the program is true."""

import json
import re
from pathlib import Path

import pytest
import yaml

from eclectus._version import __version__
from eclectus.apps.cli.flags import SERVE_FLAGS, SUBMIT_FLAGS, WORKER_FLAGS, Flag
from eclectus.apps.worker.numbers import WorkerNumbers
from eclectus.config.schema import schema
from eclectus.config.server_options import ServerOptions
from eclectus.service.telemetry import Telemetry

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
CHART = DEPLOY / "helm" / "eclectus"
DOCKERFILES = [DEPLOY / "Dockerfile", DEPLOY / "Dockerfile.cuda"]
TEXTS = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
PORT = str(ServerOptions().port)
NO_SETTINGS = {"ECLECTUS_PORT"}  # compose's own: the port on the host


def names(path: Path) -> str:
    return path.relative_to(DEPLOY).as_posix()


def flags(flag: Flag) -> list[str]:
    """The spellings of a flag on the command line."""
    return [spelling for name in flag.names for spelling in name.split("/")]


@pytest.mark.parametrize("path", TEXTS, ids=names)
def test_every_variable_is_a_setting(path: Path) -> None:
    known = {setting.variable for setting in schema().values()} | NO_SETTINGS
    assert set(re.findall(r"ECLECTUS_[A-Z_]+[A-Z]", path.read_text())) <= known


@pytest.mark.parametrize("path", TEXTS, ids=names)
def test_every_flag_of_the_server_exists(path: Path) -> None:
    known = {"--no-banner"} | {name for flag in SERVE_FLAGS.values() for name in flags(flag)}
    # `eclectus serve --x`, and the exec forms of Docker and Kubernetes.
    lines = re.findall(r"(?:eclectus |\[\")serve\b[^\n]*", path.read_text())
    given = {flag for line in lines for flag in re.findall(r"--[a-z-]+", line)}
    assert given <= known


@pytest.mark.parametrize("path", TEXTS, ids=names)
def test_every_flag_of_the_worker_exists(path: Path) -> None:
    known = {"--to", "--wait"}
    for flag in (*WORKER_FLAGS.values(), *SUBMIT_FLAGS.values()):
        known |= set(flags(flag))
    lines = re.findall(r"(?:\[\"worker\"|worker jobs submit)[^\n]*", path.read_text())
    given = {flag for line in lines for flag in re.findall(r"--[a-z-]+", line)}
    assert given <= known


def test_workers_end_their_files_before_they_are_killed() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    worker = services["worker"]
    grace_s = float(worker["environment"]["ECLECTUS_QUEUE__GRACE_S"])
    assert float(worker["stop_grace_period"].removesuffix("s")) > grace_s
    assert set(worker["depends_on"]) <= set(services)
    port = worker["command"][-1]
    assert port in worker["healthcheck"]["test"][-1]
    assert f"port: {port}" in (DEPLOY / "prometheus.yml").read_text()


def test_the_files_start_the_server() -> None:
    for path in (*DOCKERFILES, DEPLOY / "eclectus.service", CHART / "templates/deployment.yaml"):
        assert "serve" in path.read_text(), path


@pytest.fixture(scope="module")
def metrics() -> set[str]:
    """Every series that the server can offer."""
    found: set[str] = set()
    registry = Telemetry().registry
    WorkerNumbers(registry)
    for family in registry.collect():
        found.add(family.name)
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}
        found |= {family.name + suffix for suffix in suffixes.get(family.type, [])}
    # On other systems than Linux the process's own are absent.
    return found | {"process_resident_memory_bytes", "process_cpu_seconds_total"}


def test_the_dashboard_asks_for_metrics_that_exist(metrics: set[str]) -> None:
    dashboard = json.loads((DEPLOY / "grafana/eclectus.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked += [str(one["query"]) for one in dashboard["templating"]["list"]]
    used = {name for one in asked for name in re.findall(r"(?:eclectus|process)_\w+", one)}
    assert used
    assert used <= metrics


def test_the_dashboard_shows_every_metric(metrics: set[str]) -> None:
    text = (DEPLOY / "grafana/eclectus.json").read_text()
    registry = Telemetry().registry
    WorkerNumbers(registry)
    families = {family.name for family in registry.collect()} - {"eclectus"}
    ours = {name for name in families if name.startswith("eclectus_")}
    assert sorted(name for name in ours if name not in text) == []


def test_the_autoscaler_asks_for_a_metric_that_exists(metrics: set[str]) -> None:
    (name,) = re.findall(r"name: (eclectus_\w+)", (CHART / "templates/autoscaler.yaml").read_text())
    assert name in metrics


@pytest.mark.parametrize("path", DOCKERFILES, ids=names)
def test_an_image_runs_without_root_and_tells_its_health(path: Path) -> None:
    text = path.read_text()
    last_stage = text[text.rindex("\nFROM ") :]
    assert "\nUSER 10001\n" in last_stage
    assert "HEALTHCHECK" in last_stage
    assert f"EXPOSE {PORT}\n" in last_stage
    assert f"http://127.0.0.1:{PORT}/readyz" in last_stage
    # What is written after a volume is declared is lost.
    assert last_stage.index("models pull") < last_stage.index("VOLUME /models")


def test_all_speak_of_the_default_port() -> None:
    for path in (DEPLOY / "compose.yaml", DEPLOY / "prometheus.yml", CHART / "values.yaml"):
        assert PORT in path.read_text(), path


def test_streams_get_their_grace_before_the_process_is_killed() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    server = compose["services"]["server"]
    grace_s = float(server["environment"]["ECLECTUS_SERVER__GRACE_S"])
    assert float(server["stop_grace_period"].removesuffix("s")) > grace_s
    unit = (DEPLOY / "eclectus.service").read_text()
    (stop_s,) = re.findall(r"TimeoutStopSec=(\d+)", unit)
    assert float(stop_s) > ServerOptions().grace_s


def test_every_value_of_the_chart_is_used() -> None:
    templates = "".join(path.read_text() for path in (CHART / "templates").iterdir())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert sorted(key for key in values if f".Values.{key}" not in templates) == []
    asked = set(re.findall(r"\.Values\.(\w+)", templates))
    assert sorted(asked - set(values)) == []


def test_the_chart_is_for_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == __version__
