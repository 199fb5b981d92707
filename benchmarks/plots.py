"""Draws the results as SVG, in the environment that has matplotlib: ``python plots.py results.json FOLDER``."""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt

OURS, OTHERS = "#1a73e8", "#9aa0a6"


def main(results: str, folder: str) -> None:
    """Draw each table.

    Args:
        results: The file with the results.
        folder: Where the pictures go.
    """
    mpl.rcParams.update({"svg.hashsalt": "cxfulfill", "font.size": 9, "axes.spines.top": False})
    mpl.rcParams["axes.spines.right"] = False
    for table in json.loads(Path(results).read_text(encoding="utf-8"))["tables"]:
        if "slopes" in table["key"]:
            continue
        figure, axes = plt.subplots(figsize=(8, 4.5 if "sizes" in table else 0.7 + 0.3 * len(table["rows"])))
        (curves if "sizes" in table else bars)(axes, table)
        axes.set_title(table["title"], loc="left")
        figure.savefig(Path(folder, f"{file_name(table['key'])}.svg"), bbox_inches="tight", metadata={"Date": None})
        plt.close(figure)


def file_name(key: str) -> str:
    """Make a file's name of a table's key."""
    kept = "".join(character if character.isalnum() else "-" for character in key.lower())
    return "-".join(part for part in kept.split("-") if part)


def bars(axes: Any, table: dict[str, Any]) -> None:
    """Draw medians with their quartiles, and the ratio to the base beside each."""
    rows = table["rows"][::-1]
    names, medians = [row["name"] for row in rows], [row["median"] for row in rows]
    spread = [
        [row["median"] - row["quartiles"][0] for row in rows],
        [row["quartiles"][1] - row["median"] for row in rows],
    ]
    marked = any(name.startswith("ours") for name in names)
    colours = [OURS if name.startswith("ours") or not (marked or name == table["base"]) else OTHERS for name in names]
    axes.barh(names, medians, xerr=spread, color=colours, ecolor="#3c4043", height=0.7)
    for position, row in enumerate(rows):
        if "ratio" in row:
            axes.text(row["quartiles"][1], position, f"  {row['ratio']:.2f}", va="center")
    axes.set_xlabel(table["unit"])


def curves(axes: Any, table: dict[str, Any]) -> None:
    """Draw how values grow, with both axes logarithmic and the fitted slopes in the legend."""
    for row in table["rows"]:
        axes.plot(table["sizes"], row["values"], marker="o", label=f"{row['name']}: slope {row['slope']:.2f}")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylabel(table["unit"])
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(frameon=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
