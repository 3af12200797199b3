"""what a person saw and follows"""

import sqlalchemy as sa
from alembic import op

revision: str = '0002'
down_revision: str | None = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.create_table('attention',
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('matter_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('followed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['matter_id'], ['matter.id'], name=op.f('fk_attention_matter_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_attention_person_id')),
    sa.PrimaryKeyConstraint('person_id', 'matter_id', name=op.f('pk_attention'))
    )
    op.create_index('ix_attention_matter', 'attention', ['matter_id'], unique=False)
