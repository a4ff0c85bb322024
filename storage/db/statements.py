"""Statements that every article asks, compiled once and given to the database's driver.

SQLAlchemy builds what it is asked, checks it and makes rows of the answer each time; for the two dozen small
statements that keep one article that takes longer than the database does. A `Ready` statement is spelled by it once
for each dialect, values and answers are converted by its types as ever, and the driver runs it in the transaction.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, Executable, Table, bindparam, insert
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.postgresql import insert as insert_postgres
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

BoundValues = Mapping[str, Any]
Converter = Callable[[Any], Any]
_NO_VALUES: BoundValues = {}
PLACEHOLDERS = {"sqlite": "?", "postgresql": "%s"}
"""How each driver marks a value, by the dialect's name: for statements that are `Spelled`."""
_LIST_PLACEHOLDER = "__[POSTCOMPILE_{}]"
_EMPTY_SUBQUERY = "SELECT 1 WHERE 1 <> 1"


class CompiledStatement:
    """A select, insert, update or delete whose values are all bound by name.

    The rows that it gives are named tuples. An insert is of the columns that `columns` names.
    """

    def __init__(self, statement: Executable, columns: Iterable[str] | None = None) -> None:
        self._statement = statement
        self._columns = list(columns) if columns is not None else None
        self._compiled: dict[str, _DialectStatement] = {}

    def run(self, tx: Connection, values: BoundValues = _NO_VALUES) -> None:
        """Run it."""
        spelled = self._compiled_for(tx)
        _execute(tx, *spelled.bind(values))

    def run_many(self, tx: Connection, rows: Sequence[BoundValues]) -> None:
        """Run it for each of some values, none of which is a list."""
        if rows:
            spelled = self._compiled_for(tx)
            bound = [spelled.bind(values) for values in rows]
            _execute(tx, bound[0][0], [values for _, values in bound], is_many=True)

    def all(self, tx: Connection, values: BoundValues = _NO_VALUES) -> list[Any]:
        """Every row of its answer."""
        spelled = self._compiled_for(tx)
        cursor = _execute(tx, *spelled.bind(values))
        return spelled.make_rows(cursor.fetchall(), cursor.description)

    def first(self, tx: Connection, values: BoundValues = _NO_VALUES) -> Any | None:
        """The first row of its answer, or None."""
        spelled = self._compiled_for(tx)
        cursor = _execute(tx, *spelled.bind(values))
        found, told = cursor.fetchone(), cursor.description
        cursor.close()
        return None if found is None else spelled.make_rows([found], told)[0]

    def one(self, tx: Connection, values: BoundValues = _NO_VALUES) -> Any:
        """Its only row."""
        found = self.all(tx, values)
        if len(found) != 1:
            raise LookupError(f"{len(found)} rows where one must be")
        return found[0]

    def scalar(self, tx: Connection, values: BoundValues = _NO_VALUES) -> Any | None:
        """The first column of the first row, or None."""
        found = self.first(tx, values)
        return None if found is None else found[0]

    def _compiled_for(self, tx: Connection) -> _DialectStatement:
        name = tx.dialect.name
        if name not in self._compiled:
            compiled = self._statement.compile(dialect=tx.dialect, column_keys=self._columns)  # type: ignore[attr-defined]
            self._compiled[name] = _DialectStatement(compiled)
        return self._compiled[name]


def insert_statement(table: Table, *returning: Column[Any]) -> CompiledStatement:
    """The insert of a row, all its columns given but those that it returns."""
    made = {column.name for column in returning}
    given: dict[str, Any] = {one.name: bindparam(one.name) for one in table.c if one.name not in made}
    statement = insert(table).values(given)
    return CompiledStatement(statement.returning(*returning) if returning else statement)


class RawStatement:
    """A statement that is spelled for each driver already, with its own marks for values: by the dialect's name.

    For statements into which hundreds of values go. Rows are plain tuples, as the driver makes them.
    """

    def __init__(self, spelled: Mapping[str, str]) -> None:
        self._sql = spelled

    def all(self, tx: Connection, values: Sequence[Any] = ()) -> list[Any]:
        """Every row of its answer."""
        rows: list[Any] = _execute(tx, self._sql[tx.dialect.name], tuple(values)).fetchall()
        return rows

    def run_many(self, tx: Connection, rows: Sequence[Sequence[Any]]) -> None:
        """Run it for each of some values."""
        if rows:
            _execute(tx, self._sql[tx.dialect.name], rows, is_many=True)


def _execute(tx: Connection, sql: str, values: Any, *, is_many: bool = False) -> Any:
    """The driver's cursor after a statement; its errors are SQLAlchemy's, as elsewhere."""
    cursor = tx.connection.cursor()
    driver = tx.dialect.loaded_dbapi
    try:
        if is_many:
            cursor.executemany(sql, values)
        else:
            cursor.execute(sql, values)
    except driver.Error as error:
        is_lost = tx.dialect.is_disconnect(error, tx.connection, cursor)
        raise DBAPIError.instance(
            sql, None, error, driver.Error, connection_invalidated=is_lost, dialect=tx.dialect
        ) from error
    return cursor


class _DialectStatement:
    """A statement of one dialect: its text, and how its values and its answer are converted."""

    def __init__(self, compiled: SQLCompiler) -> None:
        self._sql = str(compiled)
        self._parameter_order = list(compiled.positiontup or ())
        self._default_values = {name: bind.value for name, bind in compiled.binds.items()}
        self._bind_converters: dict[str, Converter] = dict(compiled._bind_processors)  # type: ignore[arg-type]
        self._list_parameters = {name for name in self._default_values if _LIST_PLACEHOLDER.format(name) in self._sql}
        # Most statements have no lists, and their values in order: they are bound without a detour.
        is_plain = bool(self._parameter_order) and not self._list_parameters
        self._plain_parameters = (
            [(name, self._default_values[name], self._bind_converters.get(name)) for name in self._parameter_order]
            if is_plain
            else None
        )
        self._dialect = compiled.dialect
        self._columns = columns = list(compiled._result_columns or ())
        self._result_converters: list[tuple[int, Converter]] | None = None
        self._row_type = namedtuple("_row", [column.keyname for column in columns], rename=True) if columns else None

    def bind(self, values: BoundValues) -> tuple[str, Any]:
        """The text, and the values as the driver takes them."""
        if self._plain_parameters is not None:
            return self._sql, [
                values.get(name, usual) if convert is None else convert(values.get(name, usual))
                for name, usual, convert in self._plain_parameters
            ]
        sql = self._sql
        given = {name: self._convert(name, values.get(name, value)) for name, value in self._default_values.items()}
        for name in self._list_parameters:
            many = len(given[name])
            marks = ["?"] * many if self._parameter_order else [f"%({name}_{place})s" for place in range(many)]
            sql = sql.replace(_LIST_PLACEHOLDER.format(name), ", ".join(marks) or _EMPTY_SUBQUERY)
        if self._parameter_order:
            return sql, [
                one
                for name in self._parameter_order
                for one in (given[name] if name in self._list_parameters else (given[name],))
            ]
        for name in self._list_parameters:
            given |= {f"{name}_{place}": one for place, one in enumerate(given.pop(name))}
        return sql, given

    def _convert(self, name: str, value: Any) -> Any:
        convert = self._bind_converters.get(name)
        if name in self._list_parameters:
            return [convert(one) for one in value] if convert is not None else list(value)
        return value if convert is None else convert(value)

    def make_rows(self, found: Sequence[tuple[Any, ...]], told: Sequence[Any]) -> list[Any]:
        """The rows of the answer; `told` is what the driver says of its columns."""
        if self._result_converters is None:
            kinds = [
                column.type._cached_result_processor(self._dialect, said[1])
                for column, said in zip(self._columns, told, strict=True)
            ]
            self._result_converters = [(place, kind) for place, kind in enumerate(kinds) if kind is not None]
        assert self._row_type is not None
        make: Callable[[Iterable[Any]], Any] = self._row_type._make  # type: ignore[attr-defined]
        if not self._result_converters:
            return [make(one) for one in found]
        made = []
        for one in found:
            values = list(one)
            for place, convert in self._result_converters:
                values[place] = convert(values[place])
            made.append(make(values))
        return made


def upsert_statements(table: Table, *keys: str) -> Mapping[str, Any]:
    """A statement a dialect: insert a row, or replace all but the key of the one that is there."""

    def replacing(statement: SqliteInsert | PostgresInsert) -> SqliteInsert | PostgresInsert:
        names = [column.name for column in table.columns if column.name not in ("id", *keys)]
        return statement.on_conflict_do_update(
            index_elements=keys, set_={name: statement.excluded[name] for name in names}
        )

    return {"sqlite": replacing(insert_sqlite(table)), "postgresql": replacing(insert_postgres(table))}


T = TypeVar("T")


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size`, the last of what is left; none of nothing. Takes no more than a part ahead."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
