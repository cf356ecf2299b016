"""Sounds of the old form, in files that say what the tag is in several ways."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from event_writing import EventFile, bytes_field, summary_metadata, tensor

pytest.importorskip("tensorboard", reason="tensorboard is not installed")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of bleach, which TensorBoard has in it
    from tensorboard_answers import ours, stock
    from tensorboard_questions import compared

pytestmark = pytest.mark.filterwarnings("ignore")


def test_an_old_sound_counts_as_two_where_its_file_gives_the_class(tmp_path: Path) -> None:
    sounds = tensor("string", [b"RIFF"], (1,))
    folder = tmp_path / "run"
    file = EventFile(folder / "events.out.tfevents.1").version()
    file.value("tone", 1, "tensor", sounds, plugin="audio")
    file = EventFile(folder / "events.out.tfevents.2").version()
    file.value("tone", 2, "tensor", sounds, metadata=summary_metadata("audio", data_class=3))
    file.value("tone", 3, "audio", bytes_field(4, b"RIFF"))
    arguments = ("--logdir", str(tmp_path))
    assert compared(stock(*arguments), ours(*arguments)).differences == []
