"""Run a coroutine on Twisted's asyncio reactor."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any


def run_in_reactor(main: Callable[[], Awaitable[int]]) -> int:
    """Install and run the reactor until the coroutine ends; return its result.

    SIGINT cancels the coroutine unless it installs a handler of its own; KeyboardInterrupt is raised once it has ended.
    """
    from twisted.internet import asyncioreactor

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    asyncioreactor.install(loop)
    from twisted.internet import reactor as installed

    reactor: Any = installed  # the module's static type lacks the reactor's methods
    outcome: list[Any] = []

    async def body() -> None:
        try:
            outcome.append(await main())
        except asyncio.CancelledError:
            outcome.append(KeyboardInterrupt())
        except BaseException as error:  # raised again after the reactor has stopped
            outcome.append(error)
        finally:
            reactor.stop()

    tasks: list[asyncio.Task[None]] = []
    reactor.callWhenRunning(lambda: tasks.append(loop.create_task(body())))
    loop.add_signal_handler(signal.SIGINT, lambda: [task.cancel() for task in tasks])
    reactor.run(installSignalHandlers=False)
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return int(outcome[0])
