"""The shop in SQLAlchemy."""

import alembic.autogenerate
import alembic.migration
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column

import rows


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id = mapped_column(sa.Integer, primary_key=True)
    email = mapped_column(sa.String(255), nullable=False, unique=True)
    name = mapped_column(sa.String(100), nullable=False, server_default="anon")
    is_active = mapped_column(sa.Boolean, nullable=False, server_default=sa.true())
    balance = mapped_column(sa.Numeric(12, 2), nullable=False)
    score = mapped_column(sa.Double, nullable=False)
    level = mapped_column(sa.Integer, nullable=False)
    big = mapped_column(sa.BigInteger, nullable=False)
    status = mapped_column(sa.String(10), nullable=False)
    settings = mapped_column(sa.JSON(none_as_null=True))
    created_at = mapped_column(sa.DateTime, nullable=False, server_default=sa.func.now())
    birthday = mapped_column(sa.Date)
    wake_at = mapped_column(sa.Time)
    token = mapped_column(sa.Uuid, nullable=False, unique=True)
    session = mapped_column(sa.Interval, nullable=False)


class Post(Base):
    __tablename__ = "posts"
    id = mapped_column(sa.Integer, primary_key=True)
    author_id = mapped_column(sa.ForeignKey("users.id"), nullable=False, index=True)
    parent_id = mapped_column(sa.ForeignKey("posts.id"))
    title = mapped_column(sa.String(200), nullable=False)
    body = mapped_column(sa.Text, nullable=False)
    published = mapped_column(sa.Boolean, nullable=False)
    rating = mapped_column(sa.Numeric(3, 1))


class Event(Base):
    __tablename__ = "events"
    id = mapped_column(sa.Integer, primary_key=True)
    kind = mapped_column(sa.String(10), nullable=False)
    user_id = mapped_column(sa.ForeignKey("users.id"))
    payload = mapped_column(sa.JSON, nullable=False)
    on_date = mapped_column(sa.Date, nullable=False)
    at_time = mapped_column(sa.Time)


class Attachment(Base):
    __tablename__ = "attachments"
    id = mapped_column(sa.Uuid, primary_key=True)
    post_id = mapped_column(sa.ForeignKey("posts.id"), nullable=False)
    filename = mapped_column(sa.String(100), nullable=False)
    data = mapped_column(sa.LargeBinary, nullable=False)
    size = mapped_column(sa.BigInteger, nullable=False)


MODELS = {"users": User, "posts": Post, "events": Event, "attachments": Attachment}


def engine(target):
    if isinstance(target, str):
        return sa.create_engine(f"sqlite:///{target}")
    socket, database = target
    return sa.create_engine(f"postgresql+psycopg2://postgres@/{database}?host={socket}")


def make(target):
    Base.metadata.create_all(engine(target))


def fill(target):
    with Session(engine(target)) as session:
        for name, model in MODELS.items():
            session.add_all([model(**row) for row in rows.TABLES[name]])
            session.flush()
        session.commit()


def read(target):
    with Session(engine(target)) as session:
        return {
            name: [{column: rows.shown(getattr(row, column)) for column in rows.TABLES[name][0]} for row in session.scalars(sa.select(model).order_by(model.id))]
            for name, model in MODELS.items()
        }


def insert(target):
    with Session(engine(target)) as session:
        for name, model in MODELS.items():
            session.add(model(**{column: value for column, value in rows.NEW[name].items() if value is not None}))
        session.commit()


def query(target):
    count = sa.select(sa.func.count())
    kinds = sa.select(Event.kind, sa.func.count()).group_by(Event.kind).order_by(Event.kind)
    oldest = sa.select(User.id).order_by(User.birthday.nulls_first(), User.id).limit(10)
    with Session(engine(target)) as session:
        found = [
            session.scalar(count.where(User.is_active)),
            session.scalar(count.where(User.created_at < rows.MOMENT)), session.scalar(count.where(User.created_at > rows.MOMENT)),
            session.scalar(count.where(Event.on_date.between(*rows.WEEK))),
            session.scalar(count.where(User.balance > 0)),
            session.scalar(sa.select(User.email).where(User.token == rows.USERS[2]["token"])),
            session.scalar(count.where(User.status.in_(["active", "invited"]))),
            session.scalar(count.select_from(Post).join(User, Post.author_id == User.id).where(User.status == "active")),
            session.execute(kinds).all(),
            session.scalars(oldest).all(),
            [int(number) for number in session.execute(sa.select(sa.func.sum(Attachment.size), sa.func.max(Attachment.size))).one()],
            session.scalar(count.where(Post.title.contains("st 1"))), session.scalar(count.where(User.name.like("O'%"))),
            session.scalar(count.where(User.settings["b"]["c"].as_float() > 1)),
        ]
    return [str(value) for value in found]


def check(target):
    """What Alembic would change, by table or column."""
    with engine(target).connect() as connection:
        context = alembic.migration.MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        changes = alembic.autogenerate.compare_metadata(context, Base.metadata)
    # The changes of one column are a list of their own.
    return dict(changed(change) for part in changes for change in (part if isinstance(part, list) else [part]))


def changed(change):
    """`modify_type` and the like name a schema, a table and a column; others have an object, of a table or a table itself."""
    what, *rest = change
    if what.startswith("modify_"):
        return f"{rest[1]}.{rest[2]}", f"{what} {rest[-2]} {rest[-1]}"
    return getattr(rest[0], "table", rest[0]).name, f"{what} {rest[0]}"


rows.main({"make": make, "fill": fill, "read": read, "insert": insert, "query": query, "check": check})
