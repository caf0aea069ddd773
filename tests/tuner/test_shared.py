"""The study that workers share: one configuration is one worker's, and what a dead one was at is another's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from optuna.storages import BaseStorage

from tilery.backends.tunable import Config, Tunable
from tilery.dsl.errors import TileryError
from tilery.tuner.together.shared import RETRIES, Claim, SharedStudy
from tilery.tuner.together.sharing import shown
from tilery.tuner.together.storage import open_storage, study_name

TUNABLES = (Tunable("m", "tile", (32, 64, 128), 64, ()), Tunable("order", "knob", ("mn", "nm"), "mn", ()))
ONE: Config = {"m": 32, "order": "mn"}
OTHER: Config = {"m": 64, "order": "nm"}


@pytest.fixture(params=["sqlite:///{}/x.db", "journal:{}/x"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BaseStorage]:
    yield open_storage(request.param.format(tmp_path), 1)


def joined(storage: BaseStorage) -> SharedStudy:
    return SharedStudy(storage, "one", TUNABLES, 1)


def claimed(study: SharedStudy, config: Config, limit: int | None = None) -> Claim:
    claim = study.claim(lambda: config, limit)
    assert claim
    return claim


def test_what_one_worker_tells_the_others_hear(storage: BaseStorage) -> None:
    one, other = joined(storage), joined(storage)
    assert one.tell(claimed(one, ONE), 12.5)
    assert one.tell(claimed(one, OTHER), None, "exit code 1")
    for study in (one, other):
        assert [(each.config, each.value, each.problem) for each in study.news()] == [
            (ONE, 12.5, ""),
            (OTHER, None, "exit code 1"),
        ]
        assert study.news() == []
    stored = one.study.get_trials()[0]
    assert stored.params == ONE
    assert isinstance(stored.distributions["m"], optuna.distributions.CategoricalDistribution)


def test_a_configuration_is_one_worker_s_only(storage: BaseStorage) -> None:
    one, other = joined(storage), joined(storage)
    first = claimed(one, ONE)
    assert other.others() == [ONE]
    proposals = iter([ONE, OTHER])
    second = other.claim(lambda: next(proposals), None)
    assert second and second.config == OTHER, "the later of two trials of one configuration gives way"
    assert first.number < second.number


def test_no_more_trials_than_the_limit(storage: BaseStorage) -> None:
    one = joined(storage)
    claimed(one, ONE, 1)
    assert joined(storage).claim(lambda: OTHER, 1) is None


def test_what_is_given_back_is_taken_up(storage: BaseStorage) -> None:
    one, other = joined(storage), joined(storage)
    one.give_back(claimed(one, ONE))
    assert claimed(other, OTHER).config == ONE


def test_a_silent_worker_loses_its_trial_and_cannot_finish_it(storage: BaseStorage) -> None:
    silent, living = joined(storage), joined(storage)
    lost = claimed(silent, ONE)
    living.retry_lost()
    time.sleep(2.2)
    found = claimed(living, OTHER)
    assert found.config == ONE
    assert not silent.tell(lost, 1.0)
    assert living.tell(found, 2.0)
    assert [each.value for each in living.news()] == [2.0]


def test_a_worker_that_beats_keeps_its_trial(storage: BaseStorage) -> None:
    working, other = joined(storage), joined(storage)
    claim = claimed(working, ONE)
    with working.beating(claim):
        for _ in range(5):
            other.retry_lost()
            time.sleep(0.5)
        assert claimed(other, OTHER).config == OTHER
    assert working.tell(claim, 3.0)


def test_what_kills_every_worker_is_given_up(tmp_path: Path) -> None:
    study = joined(open_storage(f"journal:{tmp_path}/x", 1))
    for _ in range(RETRIES + 1):
        assert claimed(study, ONE).config == ONE
        study.retry_lost()
        time.sleep(1.1)
        study.retry_lost()
    (given_up,) = study.news()
    assert given_up.problem == f"its worker died {RETRIES + 1} times"
    assert study.others() == []


@pytest.mark.parametrize(
    ("url", "code", "told"),
    [
        ("tuning.db", 2, "for SQLite write sqlite:///tuning.db"),
        ("redis://host", 2, "this is no storage; write sqlite:///"),
        ("sqlite:////nowhere/at/all/x.db", 1, "cannot be used: there is no folder /nowhere/at/all\nhelp: name another file"),
        ("journal:/nowhere/at/all/x", 1, "cannot be used: there is no folder /nowhere/at/all\nhelp: name another file"),
        ("postgresql://me:secret@127.0.0.1:1/db", 1, "me:***@127.0.0.1:1/db: cannot be used: connection"),
        ("mysql+nodriver://host/db", 1, "cannot be used: Can't load plugin"),
    ],
)
def test_storages_that_cannot_be(url: str, code: int, told: str) -> None:
    if url.startswith("postgresql"):
        pytest.importorskip("psycopg")
    with pytest.raises(TileryError) as error:
        open_storage(url)
    assert told in str(error.value)
    assert "secret" not in str(error.value)
    assert error.value.exit_code == code


def test_a_file_that_is_no_journal_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.log"
    path.write_text("dear diary")
    with pytest.raises(TileryError, match="something else than a journal"):
        open_storage(str(path))
    assert path.read_text() == "dear diary"


def test_a_missing_driver_is_told_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for url, extra in [("postgresql://host/db", "postgres"), ("grpc://host:1", "grpc")]:
        with pytest.raises(TileryError, match=rf"pip install 'tilery\[{extra}\]'"):
            open_storage(url)


def test_passwords_are_not_shown() -> None:
    assert shown("postgresql://me:secret@host/db") == "postgresql://me:***@host/db"
    assert shown("sqlite:///x.db") == "sqlite:///x.db"


def test_the_study_s_name_depends_on_all_that_the_result_does() -> None:
    from tilery.tuner.results.entry import Key, Prints

    key = Key(kernel="k", chip="trn2", types={}, dims={"M": 8}, constants={})
    prints = Prints(program="0" * 8, chip="1" * 8)
    names = {
        study_name(key, prints, TUNABLES, "latency"),
        study_name(key, prints, TUNABLES, "measured", "./a.sh"),
        study_name(key, prints, TUNABLES, "measured", "./b.sh"),
        study_name(key, Prints(program="2" * 8, chip="1" * 8), TUNABLES, "latency"),
        study_name(key, prints, TUNABLES[:1], "latency"),
    }
    assert len(names) == 5
    assert study_name(key, prints, TUNABLES, "latency") in names
    assert all(each.startswith("k M=8 --chip trn2 ") for each in names)
