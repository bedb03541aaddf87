"""Train the scorer of identity, on the warehouse's own references or on generated trios."""

from pathlib import Path

from orchestration.identity_evaluation import bench, load_trios
from orchestration.settings import Settings
from reconcilers.engine import open_warehouse
from reconcilers.identity.model import AUTO, MARGIN_BITS, REVIEW, Model, save_model
from reconcilers.identity.training import train
from reconcilers.identity.work import workspace

_THRESHOLDS = (AUTO, REVIEW, MARGIN_BITS)


def train_on_trios(seed: int, companies: int, path: Path) -> Model:
    """Raises ValueError when too few pairs are labelled."""
    with bench() as con:
        load_trios(con, seed, companies)
        command = f"tieout identity train --seed {seed} --companies {companies}"
        with workspace(con) as work:
            model = train(work, command, f"generated trios, {companies} companies", _THRESHOLDS)
    save_model(model, path)
    return model


def train_on_warehouse(settings: Settings, path: Path) -> Model:
    """Raises ValueError when too few pairs are labelled."""
    with open_warehouse(settings.warehouse_path, memory_limit=settings.memory_limit) as con:
        ((day,),) = con.sql("select snapshot_date from raw.build").fetchall()
        with workspace(con) as work:
            model = train(work, "tieout identity train", f"the warehouse of {day}", _THRESHOLDS)
    save_model(model, path)
    return model
