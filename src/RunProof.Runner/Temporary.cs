namespace RunProof.Runner;

internal static class TemporarySkills
{
    public static void AddSkills(this WebApplicationBuilder builder) => _ = builder;
}
