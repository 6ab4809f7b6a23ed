[assembly: AssemblyFixture(typeof(RunProof.Testing.PostgresFixture))]
