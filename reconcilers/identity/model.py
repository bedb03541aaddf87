"""The frozen model: a weight in bits per level of each comparison, and the bands."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reconcilers.identity.comparisons import ASPECTS, splink_settings

SHIPPED = Path(__file__).with_name("model.json")


# The bands, as probabilities, and how far (bits) the best candidate must lead the next: chosen on
# trios of seed 1 (20,000 and 30,000 companies) so that what is joined unseen is right in 995 of
# 1000 pairs; docs/identity.md has the figures of other seeds.
AUTO = 0.85
REVIEW = 0.4
MARGIN_BITS = 1.5


class ModelError(ValueError):
    """The model file does not fit the comparisons of this version."""


@dataclass(frozen=True)
class Model:
    """`weights`: aspect -> level -> bits. `auto`, `review` are probabilities, `margin` is bits.

    `follow_likely`: whether links of the band review are followed before a person has looked.
    """

    command: str
    trained_on: str
    labelled_pairs: int
    prior: float
    auto: float
    review: float
    margin: float
    follow_likely: bool
    weights: dict[str, dict[str, float]]

    def settings(self) -> dict[str, Any]:
        return splink_settings(self.weights, self.prior)


def load_model(path: Path = SHIPPED) -> Model:
    """Raises ModelError when the file was made for other comparisons."""
    model = Model(**json.loads(path.read_text("utf-8")))
    expected = {aspect.name: sorted(aspect.words) for aspect in ASPECTS}
    found = {name: sorted(levels) for name, levels in model.weights.items()}
    if found != expected:
        raise ModelError(
            f"{path.name} was trained for other comparisons than these; "
            "train it again with `tieout identity train`."
        )
    return model


def save_model(model: Model, path: Path) -> None:
    path.write_text(json.dumps(asdict(model), indent=2) + "\n", "utf-8")
