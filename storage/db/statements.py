"""Statements compiled once per dialect and executed by the driver.

Storing an article runs about two dozen small statements, for which SQLAlchemy's compilation and row handling take
longer than the database. A CompiledStatement is compiled once for each dialect; SQLAlchemy's types still convert its
values and results, and it runs in the caller's transaction.
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
"""Each driver's placeholder for a value, by dialect: for a RawStatement."""
_LIST_PLACEHOLDER = "__[POSTCOMPILE_{}]"
_EMPTY_SUBQUERY = "SELECT 1 WHERE 1 <> 1"


class CompiledStatement:
    """A select, insert, update or delete whose values are all bound by name; result rows are named tuples.

    `columns` names the columns of an insert.
    """

    def __init__(self, statement: Executable, columns: Iterable[str] | None = None) -> None:
        self._statement = statement
        self._columns = list(columns) if columns is not None else None
        self._compiled: dict[str, _DialectStatement] = {}

    def run(self, tx: Connection, values: BoundValues = _NO_VALUES) -> None:
        statement = self._compiled_for(tx)
        _execute(tx, *statement.bind(values))

    def run_many(self, tx: Connection, rows: Sequence[BoundValues]) -> None:
        """Execute the statement for each row of values; list values are not allowed."""
        if rows:
            statement = self._compiled_for(tx)
            bound = [statement.bind(values) for values in rows]
            _execute(tx, bound[0][0], [values for _, values in bound], is_many=True)

    def all(self, tx: Connection, values: BoundValues = _NO_VALUES) -> list[Any]:
        statement = self._compiled_for(tx)
        cursor = _execute(tx, *statement.bind(values))
        return statement.make_rows(cursor.fetchall(), cursor.description)

    def first(self, tx: Connection, values: BoundValues = _NO_VALUES) -> Any | None:
        """Return the first row, or None."""
        statement = self._compiled_for(tx)
        cursor = _execute(tx, *statement.bind(values))
        row, description = cursor.fetchone(), cursor.description
        cursor.close()
        return None if row is None else statement.make_rows([row], description)[0]

    def one(self, tx: Connection, values: BoundValues = _NO_VALUES) -> Any:
        """Return the only row; raises LookupError if there is not exactly one."""
        rows = self.all(tx, values)
        if len(rows) != 1:
            raise LookupError(f"{len(rows)} rows, expected exactly one")
        return rows[0]

    def scalar(self, tx: Connection, values: BoundValues = _NO_VALUES) -> Any | None:
        """Return the first column of the first row, or None."""
        row = self.first(tx, values)
        return None if row is None else row[0]

    def _compiled_for(self, tx: Connection) -> _DialectStatement:
        name = tx.dialect.name
        if name not in self._compiled:
            compiled = self._statement.compile(dialect=tx.dialect, column_keys=self._columns)  # type: ignore[attr-defined]
            self._compiled[name] = _DialectStatement(compiled)
        return self._compiled[name]


def insert_statement(table: Table, *returning: Column[Any]) -> CompiledStatement:
    """Return the insert of a row; all columns are bound except the `returning` ones."""
    generated = {column.name for column in returning}
    values: dict[str, Any] = {column.name: bindparam(column.name) for column in table.c if column.name not in generated}
    statement = insert(table).values(values)
    return CompiledStatement(statement.returning(*returning) if returning else statement)


class RawStatement:
    """A statement written in each driver's SQL, by dialect; result rows are the driver's plain tuples.

    Meant for statements that bind hundreds of values.
    """

    def __init__(self, sql: Mapping[str, str]) -> None:
        self._sql = sql

    def all(self, tx: Connection, values: Sequence[Any] = ()) -> list[Any]:
        rows: list[Any] = _execute(tx, self._sql[tx.dialect.name], tuple(values)).fetchall()
        return rows

    def run_many(self, tx: Connection, rows: Sequence[Sequence[Any]]) -> None:
        """Execute the statement for each row of values."""
        if rows:
            _execute(tx, self._sql[tx.dialect.name], rows, is_many=True)


def _execute(tx: Connection, sql: str, values: Any, *, is_many: bool = False) -> Any:
    """Execute SQL and return the driver's cursor; driver errors become SQLAlchemy's, as everywhere else."""
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
    """A compiled statement of one dialect: its SQL and the converters of its values and results."""

    def __init__(self, compiled: SQLCompiler) -> None:
        self._sql = str(compiled)
        self._parameter_order = list(compiled.positiontup or ())
        self._default_values = {name: bind.value for name, bind in compiled.binds.items()}
        self._bind_converters: dict[str, Converter] = dict(compiled._bind_processors)  # type: ignore[arg-type]
        self._list_parameters = {name for name in self._default_values if _LIST_PLACEHOLDER.format(name) in self._sql}
        # Most statements have positional parameters and no lists: a shorter path binds them.
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
        """Return the SQL and the values in the driver's form."""
        if self._plain_parameters is not None:
            return self._sql, [
                values.get(name, default) if convert is None else convert(values.get(name, default))
                for name, default, convert in self._plain_parameters
            ]
        sql = self._sql
        bound = {name: self._convert(name, values.get(name, value)) for name, value in self._default_values.items()}
        for name in self._list_parameters:
            count = len(bound[name])
            marks = ["?"] * count if self._parameter_order else [f"%({name}_{index})s" for index in range(count)]
            sql = sql.replace(_LIST_PLACEHOLDER.format(name), ", ".join(marks) or _EMPTY_SUBQUERY)
        if self._parameter_order:
            return sql, [
                value
                for name in self._parameter_order
                for value in (bound[name] if name in self._list_parameters else (bound[name],))
            ]
        for name in self._list_parameters:
            bound |= {f"{name}_{index}": value for index, value in enumerate(bound.pop(name))}
        return sql, bound

    def _convert(self, name: str, value: Any) -> Any:
        convert = self._bind_converters.get(name)
        if name in self._list_parameters:
            return [convert(item) for item in value] if convert is not None else list(value)
        return value if convert is None else convert(value)

    def make_rows(self, raw_rows: Sequence[tuple[Any, ...]], description: Sequence[Any]) -> list[Any]:
        """Convert the driver's rows; `description` is the cursor's (DB-API) description of the columns."""
        if self._result_converters is None:
            converters = [
                column.type._cached_result_processor(self._dialect, type_code)
                for column, (_, type_code, *_) in zip(self._columns, description, strict=True)
            ]
            self._result_converters = [
                (index, convert) for index, convert in enumerate(converters) if convert is not None
            ]
        assert self._row_type is not None
        make: Callable[[Iterable[Any]], Any] = self._row_type._make  # type: ignore[attr-defined]
        if not self._result_converters:
            return [make(raw_row) for raw_row in raw_rows]
        rows = []
        for raw_row in raw_rows:
            values = list(raw_row)
            for index, convert in self._result_converters:
                values[index] = convert(values[index])
            rows.append(make(values))
        return rows


def upsert_statements(table: Table, *keys: str) -> Mapping[str, Any]:
    """Return, by dialect, a statement that inserts a row or replaces all but the key of an existing row."""

    def with_update(statement: SqliteInsert | PostgresInsert) -> SqliteInsert | PostgresInsert:
        names = [column.name for column in table.columns if column.name not in ("id", *keys)]
        return statement.on_conflict_do_update(
            index_elements=keys, set_={name: statement.excluded[name] for name in names}
        )

    return {"sqlite": with_update(insert_sqlite(table)), "postgresql": with_update(insert_postgres(table))}


T = TypeVar("T")


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of `size` items, the last one shorter; consumes no more than one list ahead."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
