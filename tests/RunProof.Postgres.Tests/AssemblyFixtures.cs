using RunProof.Testing;

[assembly: AssemblyFixture(typeof(PostgresFixture))]
