"""`eclectus serve`: the server."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from eclectus.apps.cli.extras import require_extra
from eclectus.apps.cli.flags import SERVE_FLAGS, with_settings
from eclectus.apps.cli.messages import say
from eclectus.config.settings import LoadedSettings

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

Quiet = Annotated[bool, typer.Option("--no-banner", help="Do not tell where the server listens.")]


DEMONSTRATION = (
    "this serves the small built-in demonstration model for English; "
    "--model parakeet-tdt-0.6b-v3 fetches and serves a real one"
)
_SERVE_HELP = """\
Serve files and live audio over HTTP and WebSocket.

The web page is at http://127.0.0.1:8765/, the list of all requests at /docs. OpenAI clients
take http://127.0.0.1:8765/v1 as their base URL. SIGTERM or Ctrl-C lets live streams end first.
"""


def _say(message: str, *, banner: bool) -> None:
    """Print a message for a person; without a banner, log it."""
    if banner:
        say(f"eclectus: {message}", err=True)
    else:
        logging.getLogger("eclectus.server").warning(message)


@app.command("serve", help=_SERVE_HELP)
@with_settings(SERVE_FLAGS)
def serve(*, loaded: LoadedSettings, no_banner: Quiet = False) -> None:
    """Run `eclectus serve`."""
    require_extra("server")
    from eclectus.apps.server.common.binding import bind
    from eclectus.service.decode_box import hide
    from eclectus.service.logs import log_as_json
    from eclectus.service.service import SpeechService

    server = loaded.settings.server
    log_as_json(loaded.settings.logging.level)
    hide()
    listening = bind(server.host, server.port)
    service = SpeechService(loaded.settings)
    # The model is loaded while the web framework is imported: each is half of the time to start.
    service.preload()
    if not no_banner:
        say(f"eclectus on http://{server.host}:{server.port} (Ctrl-C ends it)", err=True)
    if service.pool.is_demonstration(service.pool.default):
        _say(DEMONSTRATION, banner=not no_banner)
    from eclectus.apps.server.run import serve as run

    run(service, listening)
