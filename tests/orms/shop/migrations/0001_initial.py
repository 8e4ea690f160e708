import django.db.models.deletion
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='User',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.CharField(max_length=255, unique=True)),
                ('name', models.CharField(db_default='anon', max_length=100)),
                ('is_active', models.BooleanField()),
                ('balance', models.DecimalField(decimal_places=2, max_digits=12)),
                ('score', models.FloatField()),
                ('level', models.IntegerField()),
                ('big', models.BigIntegerField()),
                ('status', models.CharField(max_length=10)),
                ('settings', models.JSONField(null=True)),
                ('created_at', models.DateTimeField()),
                ('birthday', models.DateField(db_index=True, null=True)),
                ('wake_at', models.TimeField(null=True)),
                ('token', models.UUIDField(unique=True)),
                ('session', models.DurationField()),
                ('ip', models.GenericIPAddressField(null=True)),
            ],
            options={
                'db_table': 'users',
            },
        ),
        migrations.CreateModel(
            name='Post',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.CharField(max_length=200)),
                ('body', models.TextField()),
                ('published', models.BooleanField()),
                ('rating', models.DecimalField(decimal_places=1, max_digits=3, null=True)),
                ('parent', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to='shop.post')),
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='shop.user')),
            ],
            options={
                'db_table': 'posts',
                'unique_together': {('author', 'title')},
            },
        ),
        migrations.CreateModel(
            name='Attachment',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ('filename', models.CharField(max_length=100)),
                ('data', models.BinaryField()),
                ('size', models.PositiveBigIntegerField()),
                ('post', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='shop.post')),
            ],
            options={
                'db_table': 'attachments',
            },
        ),
        migrations.CreateModel(
            name='Event',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=10)),
                ('payload', models.JSONField()),
                ('on_date', models.DateField()),
                ('at_time', models.TimeField(null=True)),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to='shop.user')),
            ],
            options={
                'db_table': 'events',
            },
        ),
    ]
