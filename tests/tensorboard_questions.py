"""What TensorBoard's page asks of a logdir, plugin by plugin, and what it could ask.

Every question goes to both boards of an :class:`Asking`; what either side lists is asked for. How
the page asks is in the sources of its plugins (``get_plugin_apps``) and of the page itself.
"""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections.abc import Callable, Iterable, Set
from typing import Any

from tensorboard.backend.event_processing import data_provider
from tensorboard.context import RequestContext
from tensorboard.data.provider import RunTagFilter
from tensorboard.plugins.graph import metadata as graphs_metadata
from tensorboard_answers import ALL, Asking, Board, Comparison, every_sample
from tensorboard_differences import EXPERIMENT, Answer, Question

PLUGIN = "/data/plugin"
#: What is nowhere. The answers to these differ most easily.
NO_RUN, NO_TAG = "no such run", "no such tag"
MOST = 20  # samples of a step that are asked for


def compared(expected: Board, found: Board) -> Comparison:
    """Ask both boards everything."""
    asking = Asking(expected, found)
    with every_sample():
        for questions in ALL_QUESTIONS:
            questions(asking)
    return asking.done


def _series(answers: Iterable[dict[str, Any]]) -> list[tuple[str, str]]:
    """Run and tag of every series that either side lists, and some that are nowhere."""
    found = {(run, tag): None for answer in answers for run in answer for tag in answer[run]}
    runs = {run: None for answer in answers for run in answer}
    nowhere = [(NO_RUN, NO_TAG), *((run, NO_TAG) for run in [*runs][:2])]
    return [*found, *nowhere, *((NO_RUN, tag) for _, tag in [*found][:1])]


def _by_tag(series: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for run, tag in series:
        found.setdefault(tag, []).append(run)
    return found


def core(asking: Asking) -> None:
    """Runs, tabs and the like."""
    names = ("runs", "environment", "logdir", "window_properties", "experiments", "experiment_runs")
    for name in names:
        asking.get(f"/data/{name}")
    asking.get(f"{EXPERIMENT}/data/runs")
    # The projector looks for its files in a thread that the first question starts.
    for board in asking.boards:
        board.answer(Question("/data/plugins_listing"))
    for thread in threading.enumerate():
        if "IsActive" in thread.name:
            thread.join()
    asking.get("/data/plugins_listing")


def scalars(asking: Asking) -> None:
    """The scalar dashboard."""
    path = f"{PLUGIN}/scalars"
    series = _series(asking.get(f"{path}/tags"))
    for run, tag in series:
        asking.get(f"{path}/scalars", run=run, tag=tag)
        asking.get(f"{path}/scalars", run=run, tag=tag, format="csv")
    asking.get(f"{path}/scalars", run=NO_RUN)
    every_run = sorted({run for run, _ in series})
    for tag, runs in _by_tag(series).items():
        for some in (runs, every_run, runs[:1]):
            asking.post(
                f"{path}/scalars_multirun", [("tag", tag), *(("runs", run) for run in some)]
            )


def time_series(asking: Asking) -> None:
    """The cards of scalars, histograms and images."""
    path = f"{EXPERIMENT}{PLUGIN}/timeseries"
    wanted: dict[str, dict[str, Any]] = {}
    for answer in asking.get(f"{path}/tags"):
        for plugin in ("scalars", "histograms"):
            for run, tags in answer[plugin]["runTagInfo"].items():
                for tag in tags:
                    alone = {"run": run} if plugin == "histograms" else {}
                    _want(wanted, {"plugin": plugin, "tag": tag} | alone)
                    _want(wanted, {"plugin": plugin, "tag": tag, "run": run})
        for tag, runs in answer["images"]["tagRunSampledInfo"].items():
            for run, info in runs.items():
                for sample in range(min(info["maxSamplesPerStep"], MOST) + 1):
                    _want(wanted, {"plugin": "images", "tag": tag, "run": run, "sample": sample})
                    _want(wanted, {"plugin": "images", "tag": tag, "sample": sample})
    for plugin in ("scalars", "histograms", "images", "text"):
        _want(wanted, {"plugin": plugin, "tag": NO_TAG, "run": NO_RUN, "sample": 0})
        _want(wanted, {"plugin": plugin, "tag": NO_TAG})
    images: dict[str, None] = {}
    for request in wanted:
        for answer in asking.post(f"{path}/timeSeries", [("requests", f"[{request}]")]):
            for each in answer:
                for points in (each.get("runToSeries") or {}).values():
                    images |= {point["imageId"]: None for point in points if "imageId" in point}
    whole = ",".join([*wanted][:20])
    asking.post(f"{path}/timeSeries", [("requests", f"[{whole}]")])
    for image in images:
        asking.get(f"{path}/imageData", imageId=image)


def _want(wanted: dict[str, dict[str, Any]], request: dict[str, Any]) -> None:
    wanted[json.dumps(request)] = request


def custom_scalars(asking: Asking) -> None:
    """The layout, and what its charts show."""
    path = f"{PLUGIN}/custom_scalars"
    patterns = {".*": None, "": None, "(": None}
    for layout in asking.get(f"{path}/layout"):
        for category in layout.get("category", ()):
            for chart in category.get("chart", ()):
                patterns |= dict.fromkeys(chart.get("multiline", {}).get("tag", ()))
                for margin in chart.get("margin", {}).get("series", ()):
                    patterns |= dict.fromkeys(margin.values())
    series = _series(asking.get(f"{PLUGIN}/scalars/tags"))
    for run in dict.fromkeys(run for run, _ in series):
        for pattern in patterns:
            asking.get(f"{path}/scalars", run=run, tag=pattern)
    for run, tag in [*series[:20], *series[-3:]]:
        for form in ("json", "csv"):
            asking.get(f"{path}/download_data", run=run, tag=tag, format=form)


def histograms(asking: Asking) -> None:
    """Histograms, and distributions, which are made of them."""
    for plugin in ("histograms", "distributions"):
        path = f"{PLUGIN}/{plugin}"
        for run, tag in _series(asking.get(f"{path}/tags")):
            asking.get(f"{path}/{plugin}", run=run, tag=tag)


def media(asking: Asking) -> None:
    """Images and audio, with their bytes."""
    for plugin, route, single in (
        ("images", "images", "individualImage"),
        ("audio", "audio", "individualAudio"),
    ):
        path = f"{PLUGIN}/{plugin}"
        listed = asking.get(f"{path}/tags")
        for run, tag in _series(listed):
            infos = [answer.get(run, {}).get(tag) for answer in listed]
            count = max((info["samples"] or 0 for info in infos if info), default=0)
            for sample in range(min(count, MOST) + 1):
                for points in asking.get(f"{path}/{route}", run=run, tag=tag, sample=sample):
                    for point in points:
                        query = dict(urllib.parse.parse_qsl(point["query"]))
                        asking.get(f"{path}/{single}", **query)


def blobs_that_are_not(asking: Asking) -> None:
    """Keys of blobs that nobody gave."""
    keys = [data_provider._encode_blob_key(*parts) for parts in _keys_that_are_not(asking)]
    for key in ["", "x", "WyJ4Il0", *keys]:
        asking.get(f"{PLUGIN}/images/individualImage", blob_key=key)


def _keys_that_are_not(asking: Asking) -> Iterable[tuple[Any, ...]]:
    yield ("", "images", NO_RUN, NO_TAG, 0, 0)
    for plugin, kind in (("images", "images"), ("scalars", "scalars"), ("text", "text")):
        for answer in asking.get(f"{PLUGIN}/{plugin}/tags"):
            for run, tag in [(each, tag) for each in answer for tag in answer[each]][:2]:
                for step in (0, 1, 2, -1, 10**12):
                    for index in (0, 2, 3, 99, -1):
                        yield ("", kind, run, tag, step, index)
                yield ("other", kind, run, tag, 0, 2)
                yield ("", "other", run, tag, 0, 2)


def text(asking: Asking) -> None:
    """Text, as HTML."""
    path = f"{PLUGIN}/text"
    for run, tag in _series(asking.get(f"{path}/tags")):
        for markdown in (None, "true", "false"):
            asking.get(f"{path}/text", run=run, tag=tag, markdown=markdown)


def graphs(asking: Asking) -> None:
    """Graphs of a run and of a tag, conceptual ones, and run metadata."""
    path = f"{PLUGIN}/graphs"
    answers = asking.get(f"{path}/info")
    runs = {run: None for answer in answers for run in answer} | {NO_RUN: None}
    for run in runs:
        asking.get(f"{path}/graph", run=run)
        limits = {"limit_attr_size": 1024, "large_attrs_key": "_too_large_attrs"}
        asking.get(f"{path}/graph", run=run, **limits)
        tags = [tag for answer in answers for tag in answer.get(run, {}).get("tags", ())]
        for tag in dict.fromkeys([*tags, NO_TAG]):
            for conceptual in ("true", "false"):
                asking.get(f"{path}/graph", run=run, tag=tag, conceptual=conceptual)
            asking.get(f"{path}/run_metadata", run=run, tag=tag)


def pr_curves(asking: Asking) -> None:
    """PR curves: of one run, and of all that have them."""
    path = f"{PLUGIN}/pr_curves"
    series = _series(asking.get(f"{path}/tags"))
    for run, tag in series:
        asking.get(f"{path}/pr_curves", run=run, tag=tag)
    for tag, runs in _by_tag(series).items():
        query = (("tag", tag), *(("run", run) for run in runs))
        asking.ask(Question(f"{path}/pr_curves", query))


def meshes(asking: Asking) -> None:
    """Meshes and their vertices, faces and colours."""
    path = f"{PLUGIN}/mesh"
    listed = asking.get(f"{path}/tags")
    for run, tag in _series(listed):
        infos = [answer.get(run, {}).get(tag) for answer in listed]
        count = max((info["samples"] or 0 for info in infos if info), default=0)
        for sample in range(min(count, MOST) + 1):
            steps = {0: None}
            for points in asking.get(f"{path}/meshes", run=run, tag=tag, sample=sample):
                steps |= {point["step"]: None for point in points}
            for step in steps:
                for part in ("VERTEX", "FACE", "COLOR", "x"):
                    key = {"run": run, "tag": tag, "sample": sample, "step": step}
                    asking.get(f"{path}/data", **key, content_type=part)


STATUSES = ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"]


def hparams(asking: Asking) -> None:
    """The experiment, its sessions in several orders, their metrics, and the downloads."""
    path = f"{EXPERIMENT}{PLUGIN}/hparams"
    experiments: list[Any] = []
    for request in (
        {"experimentName": ""},
        {"experimentName": "", "includeMetrics": False},
        {"experimentName": "", "hparamsLimit": 1},
    ):
        experiments += asking.post(f"{path}/experiment", json=json.dumps(request))
    columns: dict[str, None] = {}
    metrics: dict[str, None] = {}
    for experiment in experiments:
        infos = experiment.get("hparamInfos", ())
        columns |= {json.dumps({"hparam": each["name"]}): None for each in infos}
        for each in experiment.get("metricInfos", ()):
            metrics[json.dumps(each["name"])] = None
            columns[json.dumps({"metric": each["name"]})] = None
    base = {"experimentName": "", "allowedStatuses": STATUSES, "startIndex": 0, "sliceSize": 10_000}
    named = [json.loads(column) for column in columns]
    requests: list[dict[str, Any]] = [
        base,
        base | {"includeMetrics": False},
        base | {"allowedStatuses": ["STATUS_SUCCESS"]},
        base | {"colParams": [each | {"includeInResult": True} for each in named]},
        {"experimentName": ""},
    ]
    for number, column in enumerate(named[:10]):
        order = "ORDER_DESC" if number % 2 else "ORDER_ASC"
        ordered = [each | {"order": order} if each == column else each for each in named]
        requests.append(base | {"colParams": ordered})
        requests.append(base | {"colParams": ordered, "sliceSize": 1, "startIndex": 1})
    for metric in [*metrics][:3]:
        for way in ("AVG", "MEDIAN", "MIN", "MAX"):
            chosen = {
                "aggregationType": f"AGGREGATION_{way}",
                "aggregationMetric": json.loads(metric),
            }
            requests.append(base | chosen)
    sessions: dict[str, None] = {NO_RUN: None}
    for request in requests:
        for answer in asking.post(f"{path}/session_groups", json=json.dumps(request)):
            for group in answer.get("sessionGroups", ()):
                sessions |= {each["name"]: None for each in group.get("sessions", ())}
    for session in sessions:
        for metric in [*metrics, json.dumps({"tag": NO_TAG, "group": ""})]:
            name = json.loads(metric)
            request = {"experimentName": "", "sessionName": session, "metricName": name}
            asking.post(f"{path}/metric_evals", json=json.dumps(request))
    for form in ("json", "csv", "latex", "x"):
        for visible in ([True] * len(named), [index % 2 == 0 for index in range(len(named))]):
            asking.get(
                f"{path}/download_data",
                format=form,
                columnsVisibility=json.dumps(visible),
                request=json.dumps(base | {"colParams": named}),
            )


def projector(asking: Asking) -> None:
    """Embeddings: what their configuration names. The plugin reads these files itself."""
    path = f"{PLUGIN}/projector"
    runs = {run: None for answer in asking.get(f"{path}/runs") for run in answer}
    for run in [*runs, NO_RUN]:
        for info in asking.get(f"{path}/info", run=run):
            for embedding in info.get("embeddings", ()):
                name = embedding["tensorName"]
                asking.get(f"{path}/tensor", run=run, name=name, num_rows=10_000)
                asking.get(f"{path}/metadata", run=run, name=name, num_rows=10_000)
                asking.get(f"{path}/sprite_image", run=run, name=name)
                asking.get(f"{path}/bookmarks", run=run, name=name)


def debugger(asking: Asking) -> None:
    """The debugger reads its files itself, too; it has to say the same of their absence."""
    asking.get(f"{PLUGIN}/debugger-v2/runs")


def of_the_provider(asking: Asking) -> None:
    """What the page does not show today, though other plugins may: straight from the provider.

    But for scalars that hold what is no number: what is listed of them tells of values that tbtools
    passes over. Their answers are compared with those of the pages.
    """
    odd = _not_numbers(asking.boards[0].provider)
    expected, found = (_told(board.provider, odd) for board in asking.boards)
    for call in dict.fromkeys([*expected, *found]):
        route, _, arguments = call.partition(" ")
        nothing = Answer(404, "")
        question = Question(route, (("with", arguments),))
        asking.note(question, expected.get(call, nothing), found.get(call, nothing))


def _not_numbers(provider: Any) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    key = {"experiment_id": "", "plugin_name": "scalars"}
    for run, tags in provider.list_scalars(RequestContext(), **key).items():
        for tag in tags:
            only = RunTagFilter(runs=[run], tags=[tag])
            try:
                read = provider.read_scalars(
                    RequestContext(), **key, downsample=ALL, run_tag_filter=only
                )
            except (TypeError, ValueError):
                found.add((run, tag))
                continue
            if not all(isinstance(point.value, (int, float)) for point in read[run][tag]):
                found.add((run, tag))
    return found


def _told(provider: Any, odd: Set[tuple[str, str]]) -> dict[str, Answer]:
    """By call: what came of it, every attribute of it."""
    key = {"experiment_id": ""}
    found = {
        "list_plugins": _called(lambda: sorted(provider.list_plugins(RequestContext(), **key))),
        # The page sorts them by their start.
        "list_runs": _called(
            lambda: {run.run_id: _plain(run) for run in provider.list_runs(RequestContext(), **key)}
        ),
        "experiment_metadata": _called(
            lambda: vars(provider.experiment_metadata(RequestContext(), **key))
        ),
    }
    for kind, plugins in KINDS.items():
        for plugin in (*plugins, "no such plugin"):
            found |= _told_of(provider, kind, plugin, odd)
    return found


def _called(call: Callable[[], Any]) -> Answer:
    try:
        return Answer(200, "", value=call())
    except Exception as error:  # values that are not what their plugin promises
        return Answer(500, "", failure=f"{type(error).__name__}: {error}")


GRAPHS = (
    graphs_metadata.PLUGIN_NAME,
    graphs_metadata.PLUGIN_NAME_RUN_METADATA,
    graphs_metadata.PLUGIN_NAME_RUN_METADATA_WITH_GRAPH,
    graphs_metadata.PLUGIN_NAME_KERAS_MODEL,
    graphs_metadata.PLUGIN_NAME_TAGGED_RUN_METADATA,
)
#: Of each kind of data, the plugins that have it.
KINDS = {
    "scalars": ("scalars",),
    "tensors": ("histograms", "text", "hparams", "pr_curves", "mesh", "custom_scalars", "scalars"),
    "blob_sequences": ("images", "audio", *GRAPHS, "text"),
}


def _told_of(provider: Any, kind: str, plugin: str, odd: Set[tuple[str, str]]) -> dict[str, Answer]:
    def told(method: str, **arguments: Any) -> Answer:
        called = getattr(provider, method)
        key = {"experiment_id": "", "plugin_name": plugin}
        return _called(lambda: _by_run(plugin, called(RequestContext(), **key, **arguments)))

    listed = told(f"list_{kind}")
    pairs = [(run, tag) for run, tags in dict(listed.value or ()).items() for tag in tags]
    runs = sorted({run for run, _ in pairs if not any(run == each for each, _ in odd)})
    tags = sorted({tag for _, tag in pairs if not any(tag == each for _, each in odd)})
    every = {} if odd and plugin == "scalars" else {"all": None, "no filter": RunTagFilter()}
    filters = every | {
        "no runs": RunTagFilter(runs=[]),
        "no tags": RunTagFilter(tags=[]),
        "nothing there": RunTagFilter(runs=[NO_RUN], tags=[NO_TAG]),
        "a run": RunTagFilter(runs=runs[:1]),
        "two runs": RunTagFilter(runs=[*runs[-2:], NO_RUN]),
        "a tag": RunTagFilter(tags=tags[:1]),
        "two tags": RunTagFilter(tags=[*tags[-2:], NO_TAG]),
        "both": RunTagFilter(runs=runs[-1:], tags=tags[-1:]),
        "both, more": RunTagFilter(runs=runs[:2], tags=tags[:2]),
    }
    found: dict[str, Answer] = {}
    for name, each in filters.items():
        found[f"list_{kind} {plugin}, {name}"] = told(f"list_{kind}", run_tag_filter=each)
        if kind == "scalars":
            last = told("read_last_scalars", run_tag_filter=each)
            found[f"read_last_scalars {plugin}, {name}"] = last
        for count in (0, 1, ALL):
            read = told(f"read_{kind}", run_tag_filter=each, downsample=count)
            found[f"read_{kind} {plugin}, {name}, {count}"] = read
    return found


def _by_run(plugin: str, data: dict[str, dict[str, Any]]) -> Any:
    """By run and tag, what each has. To some, the order of runs tells something."""
    found = {run: {tag: _plain(each) for tag, each in tags.items()} for run, tags in data.items()}
    return [*map(list, found.items())] if plugin in ("hparams", "custom_scalars") else found


def _plain(value: Any) -> Any:
    """A datum or a series as what it consists of."""
    if type(value).__module__ == "tensorboard.data.provider":
        return {name: _plain(getattr(value, name)) for name in _attributes(type(value))}
    if hasattr(value, "tolist"):
        return [str(value.dtype), [*value.shape], value.tolist()]
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value


def _attributes(kind: type) -> list[str]:
    slots = [name for each in kind.__mro__ for name in getattr(each, "__slots__", ())]
    return [name.removeprefix("_") for name in slots]


ALL_QUESTIONS: tuple[Callable[[Asking], None], ...] = (
    core,
    scalars,
    time_series,
    custom_scalars,
    histograms,
    media,
    blobs_that_are_not,
    text,
    graphs,
    pr_curves,
    meshes,
    hparams,
    projector,
    debugger,
    of_the_provider,
)
