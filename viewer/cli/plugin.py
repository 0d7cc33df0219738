"""``stadtforum plugin``: write a new plugin, list those there are."""

from __future__ import annotations

from argparse import Namespace

from viewer.cli.opening import make_host
from viewer.cli.words import plain, say, show, show_json


def new(options: Namespace) -> int:
    """Write a plugin that works and say what to do next."""
    from viewer.plugin_host import create_plugin, default_folders

    folder = default_folders()[-1] if options.folder is None else options.folder
    made = create_plugin(options.name, folder)
    show(say("Written: {folder}", folder=made))
    show(say("It is found at the next start. Try it with: python -m pytest {folder}", folder=made))
    return 0


def show_list(options: Namespace) -> int:
    """Every plugin with its state and, if it is not in use, the reason."""
    plugins = make_host().plugins
    if options.json:
        show_json(
            [
                {
                    "id": info.id,
                    "title": info.title,
                    "version": info.version,
                    "state": info.state.value,
                    "reason": info.reason_text,
                    "folder": str(info.folder),
                    "offers": [{"kind": c.kind, "title": c.title} for c in info.contributions],
                }
                for info in plugins
            ]
        )
        return 0
    for info in plugins:
        show(plain(f"{info.id:<24}{say(info.state.value):<14}{info.version:<10}{say(info.title)}"))
        if info.reason:
            show(
                plain(
                    "    " + say(info.reason, **dict(info.reason_values)) + (" " + say(info.hint) if info.hint else "")
                )
            )
    return 0
