[assembly: AssemblyFixture(typeof(RunProof.Packages.Tests.PackedPackages))]
